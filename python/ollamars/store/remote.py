"""Addresses of remote models."""

from __future__ import annotations

import posixpath
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ollamars.errors import BadRequest

CLOUD_URL = "https://ollama.com:443"
"""Where cloud models run."""
_DEFAULT_PORT = 11434


def remote_url(text: str) -> str:
    """A whole URL with port of what `remote_host` says: `host`, `host:port/path`, `/path`.

    Raises `BadRequest`.
    """
    if text.startswith("/"):
        return f"http://localhost:{_DEFAULT_PORT}{posixpath.normpath(text)}"
    if text in ("ollama.com", "http://ollama.com"):
        return CLOUD_URL
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        port = url.port
    except ValueError:
        raise BadRequest("bad remote") from None
    host = url.netloc or "localhost"
    if port is None:
        host = f"{host.removesuffix(':')}:{_DEFAULT_PORT}"
    path = posixpath.normpath(url.path) if url.path else ""
    parts = SplitResult(url.scheme, host, "" if path == "/" else path, url.query, url.fragment)
    return urlunsplit(parts)
