"""`ollamars -v`: the server's version, and our own where it differs."""

from __future__ import annotations

from ollamars.cli.client import Client
from ollamars.config import Config
from ollamars.errors import OllamarsError


def own_version() -> str:
    """The version of this program; 0.0.0 where it runs without having been installed."""
    from importlib.metadata import PackageNotFoundError

    import ollamars

    try:
        return str(ollamars.__version__)
    except PackageNotFoundError:
        return "0.0.0"


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
    if server != own:
        print(f"Warning: client version is {own}")
    return 0
