"""The ports with Azure's SDKs and httpx: the only modules that talk to Azure.

blobs           blob storage
batch_endpoint  Azure ML batch endpoints: submits, follows, cancels
job_lists       the three ways to list an endpoint's jobs
workspaces      what Resource Manager knows of endpoints and jobs
resources       deployments, data assets, and outputs without a path
run_history     why a job failed, and whether it waits for nodes
questions       what the doctor asks: replies as they came
rest            requests with httpx, and what can go wrong with them
listing         lists of blobs, page by page
copies          copies inside the service, in one request each
messages        what services and SDKs say, as it can be kept
streaming       copies through this app, where the service cannot make them
hierarchy       whether a storage account has a hierarchy
announcer       announcements on an Event Grid topic
credentials     the app's identity
"""
