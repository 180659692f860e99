"""Three small routes from landing to lakehouse, each with its data, its model, its deployment and its routes.yaml.

tabular    CSV in, CSV with a header out: a scoring script that writes files of its own
mlflow     Parquet in: an MLflow model without a scoring script
pipeline   a pipeline component of two steps, with a number for an input and two outputs
"""
