"""The HTTP management API, which is also the back end of the durable client.

api.py             the routes
asking.py          what requests ask for
status.py          instances as the API shows them                                             (pure)
client_binding.py  the string that a durable client is made from
"""
