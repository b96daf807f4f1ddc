"""A server with prepared answers, which notes what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHOW = {
    "template": "{{ .Prompt }}",
    "modelfile": "FROM x\n",
    "details": {"family": "llama", "parameter_size": "8.0B", "quantization_level": "Q4_K_M"},
    "capabilities": ["completion"],
}
DONE = {"done": True, "done_reason": "stop", "total_duration": 2_000_000_000, "eval_count": 3}


@dataclass
class Answer:
    """An answer: an object, raw text, or the objects of a stream."""

    body: Any = ""
    status: int = 200
    stream: list[Any] | None = None

    @property
    def data(self) -> bytes:
        if self.stream is not None:
            return b"".join(json.dumps(item).encode() + b"\n" for item in self.stream)
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass
class Scripted:
    """The script: a list of answers for `METHOD /path`, the last one for all further requests."""

    answers: dict[str, list[Answer]]
    requests: list[tuple[str, Any]] = field(default_factory=list)
    port: int = 0

    def body(self, route: str) -> Any:
        """What was sent to a route the last time."""
        return next(body for asked, body in reversed(self.requests) if asked == route)

    @property
    def routes(self) -> list[str]:
        return [route for route, _ in self.requests]

    def take(self, route: str, data: bytes) -> Answer:
        try:
            body = json.loads(data) if data else None
        except ValueError:
            body = data
        self.requests.append((route, body))
        answers = self.answers.get(route)
        if answers is None:
            return Answer() if route == "HEAD /" else Answer("404 page not found", 404)
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def serve(**answers: Answer | list[Answer]) -> Iterator[Scripted]:
    """Serve answers, named as `post_api_show` for `POST /api/show`."""
    script = Scripted({})
    for name, answer in answers.items():
        method, _, path = name.partition("_")
        route = f"{method.upper()} /{path.replace('_', '/')}"
        script.answers[route] = answer if isinstance(answer, list) else [answer]

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def handle_any(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, _ = self.path.partition("?")
            answer = script.take(f"{self.command} {path}", data)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.data)

        do_GET = do_HEAD = do_POST = do_DELETE = handle_any

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
