"""Storage on one machine: Azurite, and before it HTTPS fronts for blobs and queues that do what Azurite leaves out.

azurite.py      Azurite as a child process; its writes survive kill -9 (journal.cjs), and it finds
                blobs by their names (names.cjs)
front.py        what happens to a request about blobs: who may, copy or forward, then tell Event Grid
queues.py       what happens to a request about queues: who may, then forward
operations.py   what a request is: the Blob service's operations, as far as the front must tell them apart
lake.py         what happens to requests of the Data Lake Storage API
datalake.py     what such a request is, and how it is answered
namespace.py    accounts with a hierarchy: what is asked of Azurite's store (directories.cjs, hierarchy.cjs)
access.py       bearer tokens and copy sources, checked as Azure checks them
sharedkey.py    signatures with the account key, where Azurite could not check them
permissions.py  what each operation needs a role for
guard.py        asks the roles, and refuses as Azure Storage does
copying.py      Put Blob From URL, Put Block From URL
upstream.py     requests to Azurite and answers from it, streamed
events.py       storage events, and the outbox that keeps them while Event Grid is away
turns.py        one change at a time per blob, so that events have the order of the changes
control.py      settings told and changed while the fronts run
settings.py     which accounts have a hierarchy or a firewall, kept with the state directory
"""
