"""The ports carried out with Azure's SDKs and httpx: the only modules that talk to Azure."""
