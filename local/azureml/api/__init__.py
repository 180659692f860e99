"""What is spoken over HTTP: who is asked, what a body means, how an answer looks.

server.py               the checks that are the same for all, and the routes behind them
permissions.py          which action each request needs a role for
authorization.py        asks the roles, and words the refusals
routing.py              how Resource Manager finds a handler
scoring_routes.py       the scoring host: submit a job, list jobs, look at one
management_routes.py    Resource Manager: the workspace, jobs and their cancellation
subscription_routes.py  Resource Manager: the tenant, the subscription, and a list of the resources in it
clouds.py               which cloud this is, which tools ask before anything else
resource_routes.py      Resource Manager: list, get, put and delete, the same for every kind of resource
resource_rules.py       what is accepted for each kind, and how it is shown
history_routes.py       run history: what became of runs, where their logs and outputs are
invocation.py           reads what to score, for a model deployment
pipeline_invocation.py  reads what to run, for a pipeline component deployment
members.py              JSON objects of callers, whose keys come in several spellings
open_facts.py           what is shown and refused where Azure's behaviour is not known
wire.py                 the JSON of jobs
history.py              the JSON of runs
studio.py               pages for people: where the links to Studio lead
introduction.py         how curl and azure-ai-ml get here
"""
