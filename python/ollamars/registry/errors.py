"""What goes wrong with registries, in the words of Ollama and its HTTP library."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator

import httpx

from ollamars.errors import OllamarsError


class RegistryError(OllamarsError):
    """A registry refused, could not be reached, or answered what makes no sense."""


class Unauthorized(RegistryError):
    """The registry does not accept this user, also with a token."""

    def __init__(self) -> None:
        super().__init__("unauthorized: access denied")


class RegistryStatus(RegistryError):
    """An answer with an error status."""

    def __init__(
        self,
        code: int,
        body: str,
        message: str | None = None,
        *,
        headers: httpx.Headers | None = None,
    ) -> None:
        self.code = code
        """The status."""
        self.headers = headers or httpx.Headers()
        """Of the answer."""
        super().__init__(f"{code}: {body}" if message is None else message)


class NotInRegistry(RegistryStatus):
    """The registry does not have it."""

    def __init__(self, body: str) -> None:
        super().__init__(404, body, "file does not exist")


class TransportError(RegistryError):
    """The connection could not be made, or broke."""

    def __init__(self, method: str, url: str, reason: str) -> None:
        super().__init__(f'{method.capitalize()} "{url}": {reason}')


def transport_error(
    method: str, url: httpx.URL, error: httpx.HTTPError | httpx.InvalidURL
) -> TransportError:
    """An exception of the HTTP library as an error."""
    return TransportError(method, str(url), _reason(error, url))


_PORTS = {"http": 80, "https": 443}
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "dial tcp: i/o timeout"),
    (httpx.TimeoutException, "net/http: timeout awaiting response"),
    (httpx.ReadError, "read: connection reset by peer"),
    (httpx.WriteError, "write: broken pipe"),
)


def _reason(error: Exception, url: httpx.URL) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"tls: failed to verify certificate: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return _tls_reason(cause)
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return f"dial tcp: lookup {url.host}: no such host"
        if isinstance(cause, OSError) and cause.errno and isinstance(error, httpx.ConnectError):
            address = f"{url.host}:{url.port or _PORTS[url.scheme]}"
            return f"dial tcp {address}: connect: {os.strerror(cause.errno).lower()}"
    if isinstance(error, httpx.RemoteProtocolError):
        text = str(error)
        return "EOF" if "without sending a response" in text else f"unexpected EOF ({text})"
    known = (text for kind, text in _KINDS if isinstance(error, kind))
    return next(known, str(error) or type(error).__name__)


def _tls_reason(error: ssl.SSLError) -> str:
    if error.reason in _NO_TLS:
        return "tls: first record does not look like a TLS handshake"
    return f"tls: {(error.reason or str(error)).lower().replace('_', ' ')}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that led to it."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__
