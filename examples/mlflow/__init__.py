"""Patients of a clinic: Parquet files, scored by an MLflow model that needs no scoring script."""
