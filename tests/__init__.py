"""The tests, by what they talk to.

unit       decisions, tables, properties of single functions: nothing
triggers   functions called as the host calls them, over fakes: nothing
workflow   the orchestrators driven by hand or fed any answers, recorded histories: nothing
monitoring what is made for the portal: queries, workbook, alert rules: Node.js
landfall   the command line, with an app that answers what it is told to
contract   what the ports promise, kept by the fakes and by the adapters: the local cloud
local      each part of the local cloud, by its wire protocol: processes on this machine
e2e        the unmodified app on the whole local cloud: processes on this machine
outsiders  apps and deployments as outsiders bring them, by `python -m local try`: processes on this machine
demo       the demo's model
examples   the examples' files, scripts and steps, each by itself
bench      the benchmarks' own arithmetic
events     storage events as Azure sends them, for all of them to read
histories  what was recorded of orchestrators; tests.workflow.record makes them anew

offline   a fixture that turns sockets off
logged    what the app logs, as its code says it
diagrams  draws the diagrams of the architecture page

What they stand on, and the benchmarks too, is in testbed/.
"""
