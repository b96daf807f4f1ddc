"""A model registry in this process that keeps to the protocol, but for the faults it is told of."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LAYER = "application/vnd.ollama.image."


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass
class Seen:
    """A request that came in."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


Act = Callable[["Handler", Seen], None]


@dataclass
class Fault:
    """What happens instead, to the requests number `after` to `after + times` that match."""

    method: str
    path: str
    """A regular expression."""
    act: Act
    times: int = 1
    after: int = 0
    met: int = field(default=0)

    def takes(self, seen: Seen) -> bool:
        if seen.method != self.method or not re.search(self.path, seen.path):
            return False
        self.met += 1
        return self.after < self.met <= self.after + self.times


ALWAYS = 10**9


def answer(status: int, body: str = "", headers: Mapping[str, str] | None = None) -> Act:
    """`{base}` and `{other}` in headers are this server under its two names."""
    return lambda handler, seen: handler.answer(status, body.encode(), headers)


def drop(handler: Handler, seen: Seen) -> None:
    handler.cut()


def cut(size: int) -> Act:
    return lambda handler, seen: handler.content(seen, limit=size)


def stall(size: int, seconds: float) -> Act:
    return lambda handler, seen: handler.content(seen, limit=size, silence=seconds)


def truncate(size: int) -> Act:
    """A whole answer that has fewer bytes than its range."""
    return lambda handler, seen: handler.content(seen, length=size)


def flip(handler: Handler, seen: Seen) -> None:
    handler.content(seen, change=lambda data: bytes(byte ^ 1 for byte in data))


def ignore_range(handler: Handler, seen: Seen) -> None:
    handler.content(seen, whole=True)


def slow(rate: int) -> Act:
    """`rate` bytes a second."""
    return lambda handler, seen: handler.content(seen, rate=rate)


class Registry:
    """A context manager; `base` and `other` are its URLs under two host names."""

    def __init__(self, *, elsewhere: bool = True, token: str = "") -> None:
        """`elsewhere`: blobs are at the other host; `token`: what requests must have."""
        self.elsewhere = elsewhere
        self.token = token
        self.manifests: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.mounts = True

    def __enter__(self) -> Registry:
        handler = type("Bound", (Handler,), {"registry": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.base = f"http://{self.host}"
        self.other = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, *layers: bytes, kinds: Sequence[str] = ("model", "system")) -> None:
        """Offer a model `ns/m:tag` of these layers."""
        config = json.dumps({"model_format": "gguf", "model_family": "llama"}).encode()
        rows = [self._layer(LAYER + kind, data) for kind, data in zip(kinds, layers, strict=False)]
        config_type = "application/vnd.docker.container.image.v1+json"
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._layer(config_type, config),
            "layers": rows,
        }
        self.manifests[name] = json.dumps(manifest, separators=(",", ":")).encode()

    def _layer(self, media_type: str, data: bytes) -> dict[str, Any]:
        self.blobs[digest_of(data)] = data
        return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}

    def lines(self, part: str = "") -> list[str]:
        """Method and path of the requests whose path has `part`."""
        return [seen.line for seen in self.seen if part in seen.path]

    def ranges(self) -> list[str]:
        """The ranges that were asked for."""
        return [seen.headers["Range"] for seen in self.seen if "Range" in seen.headers]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no fault."""


class Handler(http.server.BaseHTTPRequestHandler):
    registry: Registry
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle_request(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        host = self.headers["Host"].rpartition(":")[0]
        headers = {name.title(): value for name, value in self.headers.items()}
        seen = Seen(self.command, host, url.path, url.query, headers, body)
        self.registry.seen.append(seen)
        fault = next((fault for fault in self.registry.faults if fault.takes(seen)), None)
        (fault.act if fault else type(self).serve)(self, seen)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_request

    def serve(self, seen: Seen) -> None:
        """The answer without fault."""
        registry = self.registry
        authorized = self.headers.get("Authorization") == f"Bearer {registry.token}"
        if seen.path == "/token":
            self.answer(200, json.dumps({"token": registry.token or "T"}).encode())
        elif registry.token and seen.path.startswith("/v2/") and not authorized:
            challenge = (
                'Bearer realm="{base}/token",service="reg",scope="repository:ns/m:pull,push"'
            )
            self.answer(401, b"who?", {"WWW-Authenticate": challenge})
        elif match := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", seen.path):
            self.manifest(seen, f"{match[1]}:{match[2]}")
        elif re.fullmatch(r"(/v2/.+/blobs|/cdn)/sha256:[0-9a-f]{64}", seen.path):
            self.blob(seen)
        elif re.fullmatch(r"/v2/.+/blobs/uploads/.*", seen.path):
            self.upload(seen)
        else:
            self.answer(404, b"nothing here")

    def manifest(self, seen: Seen, name: str) -> None:
        if seen.method == "PUT":
            self.registry.manifests[name] = seen.body
            self.answer(201)
        elif name in self.registry.manifests:
            self.answer(200, self.registry.manifests[name])
        else:
            self.answer(404, b"unknown")

    def blob(self, seen: Seen) -> None:
        digest = seen.path.rpartition("/")[2]
        if digest not in self.registry.blobs:
            self.answer(404)
        elif seen.method == "HEAD":
            self.answer(200, headers={"Content-Length": str(len(self.registry.blobs[digest]))})
        elif self.registry.elsewhere and not seen.path.startswith("/cdn"):
            self.answer(307, headers={"Location": "{other}/cdn/" + digest})
        else:
            self.content(seen)

    def content(
        self,
        seen: Seen,
        *,
        limit: int | None = None,
        silence: float = 0,
        length: int | None = None,
        whole: bool = False,
        change: Callable[[bytes], bytes] = lambda data: data,
        rate: int = 0,
    ) -> None:
        """Send a blob or the range of it that was asked for."""
        blob = self.registry.blobs[seen.path.rpartition("/")[2]]
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = (int(match[1]), int(match[2])) if match and not whole else (0, len(blob) - 1)
        data = change(blob[first : last + 1])[:length]
        headers = {"Content-Length": str(len(data))}
        if match and not whole:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(blob)}"
        self.start(206 if match and not whole else 200, headers)
        if rate:
            for at in range(0, len(data), max(1, rate // 20)):
                self.wfile.write(data[at : at + max(1, rate // 20)])
                time.sleep(0.05)
            return
        self.wfile.write(data[:limit])
        if limit is not None:
            time.sleep(silence)
            self.cut()

    def upload(self, seen: Seen) -> None:
        fields = dict(parse_qsl(seen.query))
        uploads, blobs = self.registry.uploads, self.registry.blobs
        if seen.method == "POST":
            if self.registry.mounts and fields.get("mount") in blobs:
                return self.answer(201)
            uploads[str(len(uploads))] = b""
            place = f"{{base}}{seen.path}{len(uploads) - 1}"
            return self.answer(202, headers={"Location": place + "?_state=0"})
        number = seen.path.rpartition("/")[2]
        if seen.method == "PATCH":
            uploads[number] += seen.body
            place = "{base}" + seen.path + f"?_state={len(uploads[number])}"
            return self.answer(202, headers={"Location": place})
        blobs[digest_of(uploads[number])] = uploads[number]
        good = digest_of(uploads[number]) == fields["digest"]
        return self.answer(201 if good else 400, b"" if good else b"DIGEST_INVALID")

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.start(status, {"Content-Length": str(len(body))} | dict(headers or {}))
        if self.command != "HEAD":
            self.wfile.write(body)

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            for mark, url in (("{base}", self.registry.base), ("{other}", self.registry.other)):
                value = value.replace(mark, url)
            self.send_header(name, value)
        self.end_headers()

    def cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
