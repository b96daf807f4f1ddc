"""HTTP to the server, synchronous, on the standard library alone so that it starts at once.

Every call opens its own connection, so a `Client` may be used from several threads.
"""

from __future__ import annotations

import http.client
import json
import platform
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ollamars.cli.errors import CommandError, StatusError
from ollamars.config import Config
from ollamars.version import own_version

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "AMD64": "amd64"}
_URL = re.compile(
    r"(?P<scheme>[^:]*)://(?:\[(?P<ip>[^\]]*)\]|(?P<name>[^:/]*)):(?P<port>[^/]*)(?P<path>.*)"
)
_Json = dict[str, Any]


class Readable(Protocol):
    """Something to read a body from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next `size` bytes at most; none at the end."""


class TransportError(CommandError):
    """The server could not be reached, or the connection broke."""

    def __init__(self, method: str, url: str, text: str, *, refused: bool = False) -> None:
        self.refused = refused
        super().__init__(f'{method.capitalize()} "{url}": {text}')


class Client:
    """Calls of the server that the environment names."""

    def __init__(self, config: Config) -> None:
        self.url = config.host.client_url

    def get(self, path: str) -> _Json:
        """The object that answers a GET. Raises `StatusError`, `TransportError`."""
        return self._call("GET", path, None)

    def post(self, path: str, body: _Json | None = None) -> _Json:
        """The object that answers a POST; an empty answer is an empty object."""
        return self._call("POST", path, body)

    def delete(self, path: str, body: _Json) -> None:
        """Send a DELETE."""
        self._call("DELETE", path, body)

    def head(self) -> None:
        """Ask whether a server is there at all."""
        with self._send("HEAD", "/", b"", {}) as response:
            _raise_for_status(response, with_reason=False)

    def upload(self, path: str, body: Readable, size: int) -> None:
        """POST `size` bytes of a file, read piece by piece."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._send("POST", path, body, headers) as response:
            _raise_for_status(response, with_reason=False)

    def stream(self, path: str, body: _Json) -> Iterator[_Json]:
        """The objects of a streamed answer as they come.

        Raises `StatusError` with the status line, or `CommandError` for an error in the stream.
        """
        with self._send("POST", path, _encode(body), _JSON_HEADERS) as response:
            _raise_for_status(response, with_reason=True)
            for line in _lines(response):
                yield _stream_object(line)

    def _call(self, method: str, path: str, body: _Json | None) -> _Json:
        with self._send(method, path, _encode(body), _JSON_HEADERS) as response:
            _raise_for_status(response, with_reason=False)
            text = response.read()
        return _object(text) if text.strip() else {}

    @contextmanager
    def _send(
        self, method: str, path: str, body: bytes | Readable, headers: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        url = self.url + path
        connection, target = _connection(method, url)
        try:
            connection.request(method, target, body or None, _user_agent() | headers)
            yield connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise _transport_error(method, url, error) from None
        finally:
            connection.close()


def check_server(config: Config) -> None:
    """Raise `CommandError` unless a server answers."""
    for warning in config.warnings:
        if warning.startswith("invalid port"):
            # Once for the check and once for the command, in the form that Ollama's client logs.
            line = time.strftime(f"%Y/%m/%d %H:%M:%S config.go:1: WARN {warning}\n")
            sys.stderr.write(line * 2)
    try:
        Client(config).head()
    except TransportError as error:
        if not error.refused:
            raise
        raise CommandError(
            "could not connect to ollama server, run 'ollama serve' to start it"
        ) from None


_JSON_HEADERS = {"Content-Type": "application/json", "Accept": "application/x-ndjson"}


def _user_agent() -> dict[str, str]:
    machine = _ARCHITECTURES.get(platform.machine(), platform.machine())
    python = platform.python_version()
    system = sys.platform
    return {"User-Agent": f"ollama/{own_version()} ({machine} {system}) Python/{python}"}


def _encode(body: _Json | None) -> bytes:
    if body is None:
        return b""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # An argument may hold bytes that are no UTF-8; JSON may not.
    return re.sub("[\ud800-\udfff]", "\ufffd", text).encode()


def _connection(method: str, url: str) -> tuple[http.client.HTTPConnection, str]:
    """A connection for `url`, and the target of the request."""
    match = _URL.fullmatch(url)
    # Percent-encoded ASCII in the host is what no host may contain; `%25` introduces a zone.
    escape = re.search(r"%(?!25)[0-7][0-9A-F]", url.split("/")[2])
    if match is None or escape is not None:
        reason = f'invalid URL escape "{escape[0]}"' if escape else "invalid URL"
        raise CommandError(f'parse "{url}": {reason}')
    make = _SCHEMES.get(match["scheme"].lower())
    if make is None:
        raise TransportError(method, url, f'unsupported protocol scheme "{match["scheme"]}"')
    host = (match["ip"] or match["name"] or "localhost").replace("%25", "%")
    return make(host, int(match["port"])), match["path"]


_SCHEMES = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


def _transport_error(method: str, url: str, error: Exception) -> TransportError:
    reason = getattr(error, "reason", None)
    refused = isinstance(error, ConnectionRefusedError)
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        text = "tls: first record does not look like a TLS handshake"
    elif reason is not None:
        text = f"tls: {reason}"
    elif isinstance(error, socket.gaierror):
        text = f"dial tcp: lookup {url.split('/')[2].rpartition(':')[0]}: no such host"
    elif isinstance(error, (http.client.IncompleteRead, http.client.RemoteDisconnected)):
        text = "unexpected EOF"
    else:
        text = str(error)
    return TransportError(method, url, text, refused=refused)


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while line := response.readline():
        if line.strip():
            yield line


def _object(text: bytes) -> _Json:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(f"the server's answer is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise CommandError("the server's answer is no JSON object")
    return value


def _stream_object(line: bytes) -> _Json:
    value = _object(line)
    if value.get("error"):
        raise StatusError(str(value["error"]), status=500, signin_url=value.get("signin_url", ""))
    return value


def _raise_for_status(response: http.client.HTTPResponse, *, with_reason: bool) -> None:
    if response.status < 400:
        return
    text = response.read().decode("utf-8", "replace")
    message, signin_url = text, ""
    try:
        value = json.loads(text)
    except ValueError:
        pass
    else:
        if isinstance(value, dict):
            message, signin_url = str(value.get("error") or ""), value.get("signin_url") or ""
    raise StatusError(
        message,
        status=response.status,
        reason=_status_line(response) if with_reason else "",
        signin_url=signin_url,
    )


def _status_line(response: http.client.HTTPResponse) -> str:
    phrase = response.reason or http.client.responses.get(response.status, "")
    return f"{response.status} {phrase}"
