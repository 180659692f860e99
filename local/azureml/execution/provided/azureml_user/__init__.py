"""What Azure ML's images have for scoring scripts to import.

parallel_run.py  the logger of a scoring script
"""
