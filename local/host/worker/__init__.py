"""Calls the functions of an app, in a process that is the app's own and is started again when it has ended.

In the host's process:

invoking.py    has functions called: time-outs, retries, the lines of the log
processes.py   the worker process: started, asked, watched, replaced
blob_inputs.py reads what functions are given beside their trigger
interpreters.py  the Python that it runs under
outputs.py     writes what functions give to blobs and queues
retrying.py    how often a function that failed is called again

In both:

wire.py        what the two tell each other
registry.py    the functions of the app, as plain values

In the worker process, which needs azure-functions alone:

serving.py     loads the app and calls its functions, as the host asks
loading.py     imports function_app and indexes it
indexing.py    which parameters a function may have
calling.py     calls a function: values in, values out
invocations.py which of these calls is running here
arrivals.py    whose lines of the log are shown
contexts.py    what the parameters `context` and those with direction out get
converters.py  values in and out
"""
