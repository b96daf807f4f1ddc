"""Anthropic's Messages API (`/v1/messages...`): one module for each route, named after it.

`call` turns a request into our call, `message` and `events` turn what comes of it into an answer;
none of them does any I/O.
"""
