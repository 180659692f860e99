"""Managed identity on one machine.

endpoint.py    the endpoint that App Service gives an app
credential.py  credentials for programs that run beside the local cloud
"""
