"""Loading and unloading a model on the server, with a spinner while it takes."""

from __future__ import annotations

from typing import Any

from ollamars.cli import requests
from ollamars.cli.client import Client
from ollamars.cli.progress import Progress
from ollamars.cli.requests import Show


def load_or_unload(
    client: Client, name: str, *, keep_alive: str | int | None = None, think: Any = None
) -> Show:
    """Load a model (or unload it, with a keep-alive of nothing); returns what `show` said.

    A remote model is not loaded. Raises `CommandError`.
    """
    with Progress(clear=True) as progress:
        progress.spin("")
        shown = requests.show(client, name)
        if not shown.is_remote:
            body = requests.generate(name, options=None, keep_alive=keep_alive, think=think)
            for _ in client.stream("/api/generate", body):
                pass
    return shown
