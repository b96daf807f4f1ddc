"""The address of a server, as `OLLAMA_HOST` says it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote

GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(code) for code in range(0x2000, 0x200B)
)
"""The characters that Go trims as white space (`str.strip` would take more)."""

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LOOPBACK = {4: "127.0.0.1", 6: "::1"}
HOST_SAFE = "!\"$&'()*+,-.:;<=>[]_~"
"""What Go leaves as it is in the host of a URL, besides letters and digits."""
_PATH_SAFE = "$&+,-./:;=@_~"


@dataclass(frozen=True, slots=True)
class Host:
    """Where the server listens and where a client finds it (`OLLAMA_HOST`)."""

    scheme: str = "http"
    hostname: str = "127.0.0.1"
    """A name or an address without brackets; empty: every address."""
    port: str = "11434"
    """Text, because a sign (`+80`) is accepted and kept."""
    path: str = ""
    """What follows the first slash: a prefix of every request that a client sends."""

    @property
    def netloc(self) -> str:
        """`host:port`, with brackets around an IPv6 address."""
        return _netloc(self.hostname, self.port)

    @property
    def url(self) -> str:
        """The URL as configured."""
        return self._url(self.hostname)

    @property
    def client_url(self) -> str:
        """The URL that a client connects to: loopback where the address is unspecified."""
        address = _address(self.hostname)
        if address is not None and address.is_unspecified:
            return self._url(_LOOPBACK[address.version])
        return self.url

    def _url(self, hostname: str) -> str:
        netloc = quote(_netloc(hostname, self.port), safe=HOST_SAFE)
        path = self.path if self.path == "*" else quote(self.path, safe=_PATH_SAFE)
        return f"{self.scheme}://{netloc}" + (f"/{path.removeprefix('/')}" if path else "")


def _netloc(hostname: str, port: str) -> str:
    return f"[{hostname}]:{port}" if ":" in hostname else f"{hostname}:{port}"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address without a zone, an IPv4 one also in its IPv6 form; else None."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def _split_port(text: str) -> tuple[str, str] | None:
    """Host and port of `host:port` or `[host]:port`; None where Go's `SplitHostPort` fails."""
    match = re.fullmatch(r"\[([^\[\]]*)\]:([^\[\]:]*)|([^\[\]:]*):([^\[\]:]*)", text, re.DOTALL)
    if match is None:
        return None
    bracketed, port, plain, plain_port = match.groups()
    return (plain, plain_port) if bracketed is None else (bracketed, port)


def parse_host(text: str) -> tuple[Host, str | None]:
    """`OLLAMA_HOST` and, when its port is bad and the default was taken, that port.

    `[scheme://]host[:port][/path]`; an empty text is the default address.
    """
    scheme, separator, rest = text.strip(GO_SPACE).partition("://")
    default_port = _DEFAULT_PORTS.get(scheme, "11434")
    if not separator:
        scheme, rest, default_port = "http", scheme, "11434"
        if rest == "ollama.com":
            scheme, rest = "https", "ollama.com:443"
    netloc, _, path = rest.partition("/")
    split = _split_port(netloc)
    if split is None:
        address = _address(netloc.strip("[]"))
        return Host(scheme, str(address or netloc or "127.0.0.1"), default_port, path), None
    hostname, port = split
    if re.fullmatch(r"[+-]?[0-9]+", port) and 0 <= int(port) <= 65535:
        return Host(scheme, hostname, port, path), None
    return Host(scheme, hostname, default_port, path), port
