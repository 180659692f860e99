"""The command line for a running app, deployed or on the local cloud: `python -m landfall COMMAND`.

cli         what all commands have in common
looking     the commands that look
acting      the commands that act
connection  where the app is, its key, and what goes wrong on the way
showing     texts and tables, on a terminal and in a pipe
waiting     waits until all is done, and tells what happens
checking    what is wrong with a routes file, with no app running
results     downloads a publication with the caller's own identity

It knows the app by its API alone, as any other client does; only `checking` uses the rules of the app beside it.
"""
