"""What runs jobs: from a record in the workspace to results in storage.

runner.py         takes jobs through their states
nodes.py          a cluster with so many nodes; jobs that do not fit wait
folders.py        the folders of one job on this machine
joblogs.py        what a job tells people, as files, while it runs and afterwards
execution_log.py  the one of them that is streamed: states, and what is printed meanwhile
model_jobs.py     the job of a model deployment: data in, mini-batches scored, results out
scoring.py        mini-batches over worker processes, with tries and the error threshold
batches.py        mini-batches and the count of what came of them
script_errors.py  what a scoring script raised: tracebacks, a summary, and the first of all
workers.py        worker processes seen from here
worker.py         the program of a worker process
provided/         what scripts may import in Azure ML, and have from nowhere else
mounted/          keeps scripts and steps from changing their inputs
mlflow_driver.py  the scoring script of an MLflow model that has none
environments.py   what conda files ask of pip, built where that is wanted
tracking.py       where scripts log with MLflow
pipeline_jobs.py  the job of a pipeline component: steps as processes, when their inputs are there
pipelines.py      what a pipeline component asks for: steps in order, their command lines
step.py           the program that runs one command line
"""
