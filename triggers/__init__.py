"""The edge: each module registers the functions of one kind of trigger; they parse, call and translate.

names          the functions' names, as the portal shows them
events         storage events, pushed by Event Grid or read from a queue
orchestrators  watch_landing, score_snapshot, publish: interpreters of the plans in shared.core
entities       the landing entity
activities     one step of a plan each
http           the run API
sweep          the timer that catches what events missed
"""
