"""Azure ML batch endpoints on one machine: deployments are read from YAML or HTTP and really run.

    names, registry, assets, uris   resources by their ids: recorded in SQLite, versioned, leading to blobs
    settings, fields, components,   YAML in, dataclasses or a sentence of refusal out
    deployments, catalog
    documents, deployed             the same as Resource Manager keeps it; what is deployed
    invocation,                     what a request asks of a model or a pipeline component
    pipeline_invocation, members
    jobs, store                     the life of a job as a table, and its record in SQLite
    batches, worker, workers,       scoring: mini-batches, tries, worker processes, results
    scoring, mlflow_driver
    pipelines, step                 pipelines: steps in order, their command lines
    data, asset_files, folders,     storage behind datastores, files on this machine, logs
    joblogs
    model_jobs, pipeline_jobs,      jobs through their states, under a limited number of nodes
    nodes, runner
    wire, history, errors           the JSON that clients see
    routing, resource_rules,        HTTP
    *_routes, server, cli
    introduction                    how curl and azure-ai-ml get here

Protocol facts name their source: REST recordings of Azure's SDK tests, the Azure docs, the ParallelRunStep docs.
What is covered, and what is not, is in README.md beside this file.
"""
