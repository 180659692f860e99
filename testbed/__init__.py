"""What tests and benchmarks stand on; never deployed.

fakes       the ports in memory, with behaviour; tests/contract holds them to what the adapters do
storage     of these, blob storage and its clock
questions   the doctor's port in memory: each answer to what is not known about Azure
examples    values to start from: the project's own routes, settings and places
cloud       the running local cloud as tests ask it
roles       roles taken away and given while the cloud runs
stack       the whole local cloud on a state directory, started and stopped
soak        many landings at once, with floods, kills and rubbish: then all is in order (`make soak`)
programs    clients that are tried where they are installed
eventually  how to wait for something
"""
