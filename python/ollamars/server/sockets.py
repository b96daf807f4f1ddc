"""The sockets that the server listens on."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Sequence

from ollamars.config import Host
from ollamars.errors import OllamarsError
from ollamars.server.serving import BACKLOG

_GO_TEXTS = {
    errno.EADDRINUSE: "address already in use",
    errno.EACCES: "permission denied",
    errno.EADDRNOTAVAIL: "cannot assign requested address",
}
_EVERY_ADDRESS = ("", "0.0.0.0", "::")


class ListenError(OllamarsError):
    """The address cannot be listened on."""


def listen(host: Host) -> socket.socket:
    """A listening socket. Raises `ListenError` with Go's words."""
    if host.hostname in _EVERY_ADDRESS:
        family, address = _every_address(), "::"
    else:
        family, address = _resolve(host.hostname)
    if family is socket.AF_INET and address == "::":
        address = "0.0.0.0"
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address != "::"))
        sock.bind((address, int(host.port)))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        reason = _GO_TEXTS.get(error.errno or 0, os.strerror(error.errno or 0).lower())
        where = _netloc(address, int(host.port))
        raise ListenError(f"listen tcp {where}: bind: {reason}") from None
    return sock


def _every_address() -> socket.AddressFamily:
    return socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET


def _resolve(hostname: str) -> tuple[socket.AddressFamily, str]:
    """One address of a name, IPv4 where there is one."""
    try:
        found = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ListenError(f"listen tcp: lookup {hostname}: no such host") from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, *_, address = found[0]
    return family, str(address[0])


def _netloc(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def address_of(sock: socket.socket) -> str:
    """Where a socket listens: `127.0.0.1:11434`, `[::]:11434`."""
    return _netloc(*sock.getsockname()[:2])


def all_loopback(sockets: Sequence[socket.socket]) -> bool:
    """Do all listen on loopback addresses alone?"""
    return all(ipaddress.ip_address(sock.getsockname()[0]).is_loopback for sock in sockets)
