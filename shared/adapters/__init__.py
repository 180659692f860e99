"""The ports with Azure's SDKs and httpx: the only modules that talk to Azure.

blobs           blob storage
hierarchy       whether a storage account has a hierarchy
batch_endpoint  Azure ML batch endpoints
announcer       announcements on an Event Grid topic
credentials     the app's identity
"""
