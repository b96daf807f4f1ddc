"""`ollamars -v`: the server's version, and our own where the two do not belong together."""

from __future__ import annotations

from ollamars.cli.client import Client
from ollamars.config import Config
from ollamars.errors import OllamarsError
from ollamars.version import API_VERSION, own_version


def show_version(config: Config) -> int:
    """Print the versions; never fails."""
    own = own_version()
    try:
        server = str(Client(config).get("/api/version").get("version", ""))
    except OllamarsError:
        server = ""
    if server:
        print(f"ollama version is {server}")
    else:
        print("Warning: could not connect to a running Ollama instance")
    if server not in (own, API_VERSION):  # our server tells the version of its API
        print(f"Warning: client version is {own}")
    return 0
