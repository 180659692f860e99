"""The benchmarks: `python -m bench`. docs/benchmarks.md says what is measured and how to read it.

cold_start      importing and indexing the app, against an app that has nothing in it
durable_work    what a landed folder costs in durable operations, on the host with a clock that jumps
usage           what a landed folder, and a day without any, cost in requests to storage
event_cost      what an event costs the host, against a function that does nothing
growth          what each file, landing or run costs among few and among many
memory          what a long list takes of memory, against a shorter one
latency         from the last file to _SUCCESS, on the whole local cloud
host            the local Functions host itself
azureml         the local Azure ML itself
storage         the front of the local storage, against Azurite itself

sites, listed   landings and lists of any size, for growth and memory
figures         one figure, the table, results.json
hosts           a Functions host as a process
blob_events     storage events
"""
