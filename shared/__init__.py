"""Everything behind the triggers.

core       what is decided, as pure functions of plain values
work       what is done: each function carries out one step through the ports it is given
ports      what the outside must be able to do
adapters   the ports with Azure's SDKs and httpx; nothing else talks to Azure
routes     reads and checks routes.yaml
yaml_text  reads YAML within bounds
spool      files in order, however many: few in memory, many on disk
settings   reads the app settings
telemetry  log lines made for the Azure portal
threads    work in threads beside the function's own
errors     what can go wrong
services   builds all of it once per process, on first use
"""
