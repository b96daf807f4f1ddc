"""`WWW-Authenticate: Bearer ...`: where a token comes from, and what is signed for it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ollamars.registry.errors import RegistryError
from ollamars.registry.urls import with_query

_FIELD = re.compile(r'(?<![A-Za-z])([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s,"]*))')
_EMPTY_BODY = base64.b64encode(hashlib.sha256(b"").hexdigest().encode()).decode()
"""Stands in what is signed for the body, which a GET does not have."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry asks for. A field that it left out is empty."""

    realm: str
    """The URL that gives tokens."""
    service: str
    scope: str
    """Words with a blank between them."""

    @classmethod
    def parse(cls, header: str) -> Challenge:
        """Read the header. Never fails."""
        found = {match[1].lower(): match[2] or match[3] or "" for match in _FIELD.finditer(header)}
        return cls(*(found.get(name, "") for name in ("realm", "service", "scope")))

    def token_url(self, request_url: str, *, now: int, nonce: bytes) -> str:
        """The URL to ask for a token; `now` in seconds since 1970, `nonce` 16 random bytes.

        Raises `RegistryError` where tokens come from another host than that of the request: it
        could use the signature for itself.
        """
        found, wanted = _host(self.realm), urlsplit(request_url).netloc
        if found != wanted:
            raise RegistryError(f'realm host "{found}" does not match original host "{wanted}"')
        return with_query(
            self.realm,
            {
                "service": self.service,
                "scope": self.scope.split(" "),
                "ts": str(now),
                "nonce": base64.urlsafe_b64encode(nonce).rstrip(b"=").decode(),
            },
        )


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def signed_text(url: str) -> bytes:
    """What is signed for the GET of a token at `url`."""
    return f"GET,{url},{_EMPTY_BODY}".encode()
