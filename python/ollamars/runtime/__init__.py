"""Loaded models: loading, keeping, evicting, and the requests in flight.

Everything here runs on Trio's thread but what the engine does; nothing here knows of HTTP.
"""
