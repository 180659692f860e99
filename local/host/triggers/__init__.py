"""What has functions run, and what becomes of their answers.

http.py        HTTP triggers: which function a request is for, and the way there and back
event_grid.py  the webhook of the Event Grid extension
queues.py      storage queue triggers, poison queues included
timers.py      timer triggers, caught up with after a stop
schedules.py   when a timer is due                                                             (pure)
"""
