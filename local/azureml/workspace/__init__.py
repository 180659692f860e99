"""What is kept: the resources of the workspace, the record of every job, and where data is.

names.py        ids of resources, in the forms in which callers write them
registry.py     every resource but jobs, in SQLite
assets.py       versioned assets: models, code, environments, data, components
asset_files.py  their files, on this machine
uris.py         where data is: datastores and uris, resolved to blobs
data.py         the storage accounts behind datastores
settings.py     how a job runs: what a deployment sets and an invocation may override
fields.py       values out of one YAML mapping, with every problem
yaml_text.py    YAML of plain values, and not too many of them
deployments.py  endpoints and deployments, from YAML
components.py   components, from YAML
nearby.py       models and components that a deployment only names, in the folders around it
conda.py        conda files, and what of them pip can install
pythons.py      the Python that a deployment's script runs in
catalog.py      what a deployments folder describes
documents.py    endpoints and deployments as Resource Manager keeps them
deployed.py     everything that is deployed, whoever described it
jobs.py         the life of a job as a table, and its record
store.py        the record of every job, in SQLite
"""
