"""Azure ML batch endpoints on one machine: deployments are read from YAML or HTTP and really run.

    api/        what is spoken over HTTP: routes, the bodies of requests, the JSON of answers
    execution/  what runs jobs: scoring scripts and pipeline steps in processes of their own
    workspace/  what is kept: resources, deployments, the record of every job, and where data is
    errors.py   why a request is refused; all rooms speak of it
    cli.py      builds the rooms on a state directory and serves them

Arrows point down: the api asks execution, both know the workspace, and the workspace knows neither.

Protocol facts name their source: REST recordings of Azure's SDK tests, the Azure docs, the ParallelRunStep docs.
What is covered, and what is not, is in README.md beside this file.
"""
