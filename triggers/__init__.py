"""The edge: each module registers the functions of one kind of trigger; they parse, call and translate.

events         storage events, pushed by Event Grid or read from a queue
orchestrators  watch_landing, score and publish: straight lines over the records in shared.core
performing     how orchestrators carry out steps
entities       the landing entity
activities     one for each step of the table in shared.work
sweep          the timer that catches what events missed
http           the run API and the doctor
on_request     runs on request: asking for one, and what becomes of it
operating      what people do to runs: cancel, replay, rescore
pausing        the routes that there are; pausing and resuming them
catching_up    looking at landings now; a backfill of what was there
status         the status page (page/ has its style and script)
answering      how HTTP functions answer
landings       the landings that there are, and why a file was not scored
starting       starts durable instances, the same thing only once
names          names of orchestrators and entities
"""
