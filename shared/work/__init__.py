"""The work: each function carries out one step through the ports it is given, and returns plain values.

claiming    looks at a landing: before its run is claimed, before each later attempt, after its job
submitting  stages the input, sends a submission, and does all else with an endpoint and its jobs
copying     copies what was frozen, inside the storage service
publishing  lays the results in the lakehouse storage, and announces how a run has ended
table       which function carries out which step
ledger      the durable record of every run
sweeping    what events missed, and what was left
inquiry     what people ask of the ledger
health      whether everything is in order
"""
