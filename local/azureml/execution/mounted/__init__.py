"""What Pythons of jobs have on their path, so that inputs are for reading, as Azure's mounts are.

sitecustomize.py  refuses what would change an input; every Python that finds it runs it first
"""
