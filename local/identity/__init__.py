"""Managed identity on one machine.

asking.py      what whoever asks the endpoint has to know
endpoint.py    the endpoint that App Service gives an app
credential.py  credentials for programs that run beside the local cloud
"""
