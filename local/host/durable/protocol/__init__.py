"""What a turn makes of a history and new messages. Pure: no I/O, no clock, no ids of its own.

A turn that is made again from the same history is the same turn.

events.py      history events as the SDK reads them
replay.py      which of the orchestrator's actions are new
episode.py     one turn of an orchestration: messages in, new work out
identities.py  which ids instances may have
entities.py    one turn of an entity: requests in, results out
rewinding.py   a failed history as it was before its failures
http_calls.py  what follows an answer to call_http
"""
