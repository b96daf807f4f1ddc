"""The versions that the server and the programs tell of themselves."""

from __future__ import annotations

API_VERSION = "0.33.0"
"""The version of Ollama whose API this is; clients refuse servers that are too old for them."""


def own_version() -> str:
    """The version of this program; 0.0.0 where it runs without having been installed."""
    from importlib.metadata import PackageNotFoundError

    import ollamars

    try:
        return str(ollamars.__version__)
    except PackageNotFoundError:
        return "0.0.0"
