"""Azure ML batch endpoints on one machine: deployments are read from YAML and their scoring scripts really run.

    settings, deployments, catalog   what is deployed: YAML in, dataclasses or a sentence of refusal out
    uris, invocation                 what a request asks for
    jobs, store                      the life of a job as a table, and its record in SQLite
    batches, worker, workers,        scoring: mini-batches, tries, worker processes, results
    scoring
    data                             the storage accounts behind datastores
    runner                           jobs through their states, under a limited number of nodes
    wire, errors                     the JSON that clients see
    scoring_routes, management_routes, history_routes, server, cli   HTTP

Protocol facts name their source: REST recordings of Azure's SDK tests, the Azure docs, the ParallelRunStep docs.
What is covered, and what is not, is in README.md beside this file.
"""
