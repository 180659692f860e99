"""Managed identity on one machine: the endpoint that App Service gives an app, and credentials for local tools."""
