"""The cloud on one machine: what Landfall's function app talks to when there is no Azure. Never deployed.

    identity/      managed identity endpoint; issues the tokens that every other part checks
    storage/       HTTPS front over Azurite: bearer tokens, server-side copy, storage events
    eventgrid/     topics, subscriptions, delivery with retries
    azureml/       batch endpoints whose deployments really run
    host/          Functions host: any Python v2-model app, Durable included
    roles/         who may do what, asked by every part that Azure protects with roles
    stack.py       all parts together: which, in which order, with which settings
    subscribing.py which events an app is told of
    supervisor.py  parts as child processes: started, kept running, stopped
    milestones.py  what is told while it runs: refused deployments, problems, how far each run is
    health.py      asks the app what is wrong with it, and where its status page is
    commands.py    what a person does with it: drop data, look at runs, wait
    beginning.py   writes a route, a deployment and data that work at once
    trying/        runs somebody's app, or deployments, through a checklist
    parts.py       single parts, for as long as a command needs them
    scoring.py     runs one deployment on a folder, without an app
    jobs.py        what the local Azure ML has run, at a terminal
    registering.py registers models, environments and components in a running Azure ML
    explaining.py  asks the app why a file is scored, or is not
    doctor.py      asks the app's doctor and shows its checklist
    python.py      which Python people are told to use
    naming.py      what the subscription, the workspace and the storage accounts are called
    addresses.py   who listens where
    ports.py       free ports that stay free until they are listened on
    azure.py       what is not known about Azure, and the answers that can be played
    chosen.py      which answers a state directory was started with
    serving.py     how every part runs
    database.py    opens the SQLite files that parts keep their state in
    clock.py       one clock for all, which may run faster
    tokens.py      bearer tokens, issued and checked
    sas.py         signatures with which parts reach Azurite
    tls.py         certificates for what clients insist on reaching over HTTPS
    faults.py      faults on purpose

It is written independently: it implements the wire protocols from Microsoft's documentation and imports nothing of the
function app, so that app and emulator cannot share a mistake.
"""
