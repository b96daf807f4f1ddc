"""The HTTP client of all transfers: certificates, proxies, what is sent with every request."""

from __future__ import annotations

import platform
import ssl
import sys

import httpx

from ollamars.registry.timing import Timing
from ollamars.version import own_version

MAX_REDIRECTS = 10
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}
_NEVER_PROXIED = ("localhost", "127.0.0.1", "[::1]")


def user_agent() -> str:
    """`ollamars/VERSION (MACHINE SYSTEM)`."""
    machine = platform.machine()
    return f"ollamars/{own_version()} ({_MACHINES.get(machine, machine)} {sys.platform})"


def make_client(timing: Timing) -> httpx.AsyncClient:
    """A client that keeps to the proxies of the environment and the certificates of the system."""
    client = httpx.AsyncClient(
        verify=_certificates(),
        timeout=httpx.Timeout(timing.answer, connect=timing.connect, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
        mounts={f"all://{host}": None for host in _NEVER_PROXIED},
        max_redirects=MAX_REDIRECTS,
    )
    del client.headers["Accept"]
    client.headers["Accept-Encoding"] = "identity"  # a blob is its bytes, and ranges count them
    return client


def _certificates() -> ssl.SSLContext:
    """Verify against the system's authorities; where it has none, those that come with httpx."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        return ssl.create_default_context()
    return httpx.create_ssl_context()
