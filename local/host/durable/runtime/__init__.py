"""The engine: keeps what is to be done, has it done, and writes down what follows.

engine.py        what clients can do
turns.py         takes messages to the functions that they are for
agenda.py        what is to be done when, and who waits to be told
dispatch.py      who runs when
recording.py     writes down what came of activities, many at a time
store.py         all state; one transaction per turn
listing.py       instances and entities as rows, a page at a time
functions.py     what the engine calls: plain Python functions, or an indexed app
http_sending.py  sends the requests of call_http
hazards.py       what goes wrong on purpose
tracing.py       the lines that the extension logs
errors.py        why it refused
"""
