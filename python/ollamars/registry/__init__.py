"""Registries: pulling models into the store and pushing them out of it.

`urls`, `challenge` and `progress` are pure; `session` speaks HTTP with one registry; `download` and
`upload` move one blob; `pull` and `push` are the two operations; `transfers` is what the server
holds.
"""
