"""What has functions run, and what becomes of their answers.

http.py        HTTP triggers: which function a request is for, and the way there and back
event_grid.py  the webhook of the Event Grid extension
blobs.py       blob triggers: what is new in a container, and running the functions for it
blob_paths.py  which blobs a path means                                                        (pure)
blob_work.py   what blob triggers have still to do, and what was found before
blob_webhook.py the webhook through which Event Grid tells of blobs
queues.py      storage queue triggers, poison queues included
timers.py      timer triggers, caught up with after a stop
schedules.py   when a timer is due                                                             (pure)
"""
