"""The core: every decision, as pure functions of plain values. No I/O, no clock, no environment, no `azure.*`.

location     where things are: containers, blob paths, the `azureml://` forms, path templates
matching     globs and folder patterns, at a cost that no name can raise
selection    which files of a landing are scored, by their names
route        what is scored by which endpoint, and where results go
references   how data is referred to, and what the service is sent for each notation
inputs       what an endpoint is given: every kind of input
outputs      what a job writes: outputs of a route, and of an attempt
acts         what people ask of a run: that it ends, or that its content is scored once more
pause        whether a route begins runs: somebody may have paused it
refresh      a request to look at landings now
backfill     a request for the runs of what was there, and what comes of it
changes      what a run does differently from its route because its caller said so
deployment   what a deployment takes, and whether a request fits it
route_problems  what is wrong with one route
together     what is wrong with routes together
event        what a storage event says, or why it is ignored
landing      one folder (or file) that a route matches
nesting      files in sub-folders: why they are refused, and the flat names of their copies
snapshot     the frozen list of a landing's files and its fingerprint
readiness    when a landing is looked at, and when it is ready to be scored
card         what was last seen of a landing, and its latest run, for people
spot         where a blob is that people ask about: its path, in any of its forms
query        query parameters that there are not
miss         why no route takes a file
explanation  why a file is scored or not: the facts, and what follows from them
wording      the same in sentences
markup       HTML of texts that anybody may have written
overall      how everything stands: what needs attention, and what has happened to a run
page         the same as HTML
tally        which landings the sweep need not look at again
watchers     the landing entity: who watches
watch        the watch of a landing: its record, its table, what it becomes
request      what somebody sends to ask for a run, and what is answered
pointer      pointers to runs: their names alone say which there are
identity     the identity of a run: what is scored once has one id
run          a run: its record, its statuses and their table
spec         how a run is carried out: where its files are, and where its results go
course       the course of a run: what its record becomes when something has happened
turn         how a run gets its turn at an endpoint
stopping     how a run ends because somebody wants it
patience     how much trouble a run sits out
hints        what to do about a run that was not published, for every reason
slots        how many runs may have a job at an endpoint at the same time, and whose turn it is
job          job statuses and what each means
submission   what a batch endpoint is sent, and what it may answer
script_error  the first exception of a user's own script, as its logs show it
finding      whose a job is: how the job of a lost answer is found again
checkup      what the doctor is asked, what it says, and which role it advises
open_facts   what nobody can tell about Azure, and what the doctor has seen of it
probe        the doctor's probe job, and what can be learned from it
publication  what is copied, and the manifest
steps        the activities: names, what goes in, what comes out
trouble      kinds of trouble, and the patience that each deserves
transitions  tables of allowed transitions
record       what travels between functions, and how it is converted to JSON and back
"""
