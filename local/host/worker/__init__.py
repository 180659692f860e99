"""What the Python worker does: takes an app as it is, says which functions it has, and calls them.

loading.py     imports function_app and indexes it
indexing.py    which parameters a function may have
registry.py    the functions of the app
invoking.py    calls them
invocations.py which of these calls is running here
contexts.py    what the parameters `context` and those with direction out get
converters.py  values in and out
retrying.py    how often a function that failed is called again
blob_inputs.py reads what functions are given beside their trigger
outputs.py     writes what functions give to blobs and queues
"""
