"""Event Grid on one machine: topics, subscriptions, and delivery with the documented retries.

schema.py        events in both schemas, checked and converted
filters.py       which events a subscription wants
subscription.py  what a subscription is, and what is refused
policy.py        what an answer means: delivered, try again when, or give up
store.py         subscriptions, waiting deliveries and what topics received, in SQLite
destinations.py  how a delivery reaches a webhook, a storage queue or the dead-letter container
pump.py          one subscription's deliveries, until none is left
broker.py        publishing and subscribing: what ties the above together
control.py       the control API;  topics.py  the endpoint that publishers use
"""
