"""`python -m local try FOLDER`: somebody's app, or deployments, through a checklist, on a local cloud of its own.

command.py      tells which of the two a folder is, and shows the list
checklist.py    one line of the list
apps.py         a function app: loads, answers, its orchestrators begin
deployments.py  batch deployments: parsed, served, a job of each runs
"""
