"""The core: every decision, as pure functions of plain values. No I/O, no clock, no environment, no `azure.*`.

location   where things are: containers, blob paths, the `azureml://` forms, path templates
route      what is scored by which endpoint, and where results go
event      what a storage event says, or why it says nothing
snapshot   the frozen list of a landing's files and its fingerprint
landing    when a landing is looked at, when it is ready, who watches it
watch      the plan of watch_landing
run        a run's identity, its order and its ledger document
job        job statuses and what each means
plan       the plan of score_snapshot
request    the body that a batch endpoint is sent
publication  what is copied, and the manifest
"""
