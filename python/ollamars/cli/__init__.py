"""The command line: a client of the HTTP API, and the way to start the server.

One file per group of commands; `commands` is the table of all of them. Nothing here imports the
server or its web framework before `serve` runs, so that `ollamars list` starts at once.
"""
