"""Everything behind the triggers.

scoring/     the core: what is decided, as pure functions of plain values
work/        what is done: each function carries out one step through the ports it is given
ports.py     what the outside must be able to do; adapters/ does it with Azure's SDKs
routes.py    reads and checks routes.yaml;  settings.py  reads the app settings
services.py  builds all of it once per process, on first use
"""
