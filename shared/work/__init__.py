"""The work: each function carries out one step through the ports it is given, and returns plain values.

claiming     looks at a landing: before its run is claimed, before each later attempt, after its job
requesting   claims a run for whoever asks for it
acting       cancels runs, and claims the runs that score content once more
backfilling  claims the runs of landings that were there before anybody watched
admitting    slots of endpoints: taking one, or a place in line, and giving them back
lines        who waits in line, as it was listed last
submitting   stages the input, sends a submission, and does everything else with an endpoint and its jobs
twins        cancels jobs that turn up for abandoned submissions
copying      copies what was frozen
locating     finds outputs that a deployment wrote to its default place
publishing   publishes the results to the lakehouse storage, and announces how a run has ended
table        which function carries out which step
ledger       the durable record of every run
stored_files  lists of files in the ledger, in documents of so many
keeping      documents that never change, as they were read last
recording    brings a run's record up to date, and tells of its end
indexing     finding runs by how they have ended, or by their landing
pacing       how many watches events have begun lately
ignoring     what is told of ignored events
walking      from a renamed folder down to the landings in it
surveying    all landings that storage holds for a route
discovering  landings that nobody has seen yet, by the names of their folders
sweeping     what events missed, and runs that were left
inquiry      queries on the ledger: runs
overview     queries on the ledger: landings, a page at a time
explaining   gathers what is known of one file
standing     gathers what the status page tells
health       whether everything is in order
doctor       tries everything that routes need
probing      the doctor's probe job
sampling     a few small files of a landing
scratch      folders that are removed with all that is in them
"""
