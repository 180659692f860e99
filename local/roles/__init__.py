"""Role-based access control: who may do what, by assignments in a file that is read while everything runs.

definitions.py    what a role allows, with Azure's wildcards
definitions.yaml  Azure's built-in roles, as far as they matter here
identities.py     who may ask
scopes.py         what can be asked for: the ids of resources
assignments.py    which identity has which role on what
live.py           the assignments of a state directory, as its roles.yaml says at this moment
roles.yaml        the assignments that a new state directory begins with
"""
