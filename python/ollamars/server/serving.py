"""Serving an application on sockets until a signal: Hypercorn's trio worker with our connections.

`hypercorn.trio.run.worker_serve` gives no way to pass a class for connections, runs the shutdown
hooks of the application under a time limit, and installs no signal handlers; so its accept loop is
here.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.utils import wrap_app
from quart.routing import QuartRule
from quart_trio import QuartTrio

from ollamars.server.asgi import HttpExchange, Request
from ollamars.server.connection import Connection
from ollamars.server.request_body import READ_TIMEOUT

_log = logging.getLogger(__name__)

BACKLOG = 1024
WRITE_TIMEOUT = 600.0
"""Seconds that a client may leave its answer unread: a paused terminal must survive."""
KEEP_ALIVE_TIMEOUT = 75.0
"""Seconds that an idle connection stays open, and that a request's head may take to arrive."""
MAX_HEAD = 1 << 20
"""Bytes of a request's head, as in Go."""
QUEUED_PIECES = 10
"""Pieces of a request's body (64 KiB each) that may wait between Hypercorn and Quart."""


class Rule(QuartRule):
    """A route that has exactly the methods it names: werkzeug would add HEAD to every GET."""

    def __init__(
        self, string: str, *, methods: Iterable[str] | None = None, **options: Any
    ) -> None:
        super().__init__(string, methods=methods, **options)
        if self.methods is not None and "HEAD" not in (methods or ()):
            self.methods.discard("HEAD")


class App(QuartTrio):
    """A Quart application for `serve`."""

    asgi_http_class = HttpExchange
    request_class = Request
    url_rule_class = Rule  # type: ignore[assignment]  # takes the same arguments

    def __init__(self, name: str, *, read_timeout: float = READ_TIMEOUT) -> None:
        """`read_timeout`: seconds that the next piece of a body may take."""
        super().__init__(name, static_folder=None)
        self.config["MAX_CONTENT_LENGTH"] = None  # each handler sets the limit of its body
        self.config["BODY_TIMEOUT"] = read_timeout
        self.config["RESPONSE_TIMEOUT"] = None
        self.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
        self.url_map.merge_slashes = False
        self.url_map.strict_slashes = True


def hypercorn_config(
    *, max_head: int = MAX_HEAD, keep_alive_timeout: float = KEEP_ALIVE_TIMEOUT
) -> Config:
    """Settings of Hypercorn's protocol code."""
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("ollamars.server.hypercorn")
    config.include_server_header = False
    config.h11_max_incomplete_size = max_head
    config.keep_alive_timeout = keep_alive_timeout
    config.max_app_queue_size = QUEUED_PIECES
    config.read_timeout = None  # it would also run while a response is sent
    return config


class Server:
    """Accepts connections for an application."""

    def __init__(
        self,
        app: QuartTrio,
        *,
        config: Config | None = None,
        write_timeout: float = WRITE_TIMEOUT,
    ) -> None:
        self._config = config or hypercorn_config()
        self._app = wrap_app(app, self._config.wsgi_max_body_size, "asgi")
        self._context = WorkerContext(None)
        self._stopping = trio.Event()
        self._live: set[Connection] = set()
        self._write_timeout = write_timeout

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Accept on listening sockets until `stop`, then until the last connection ends."""
        listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(each)) for each in sockets]
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                handler_nursery = connections
                accepting.start_soon(
                    partial(
                        trio.serve_listeners,
                        self._connect,
                        listeners,
                        handler_nursery=handler_nursery,
                    )
                )
                await self._stopping.wait()
                accepting.cancel_scope.cancel()
            await self._context.terminated.set()  # idle connections close, others after the answer

    async def _connect(self, stream: trio.SocketStream) -> None:
        await Connection(
            self._app, self._config, self._context, self._live, self._write_timeout, stream
        ).run()

    def stop(self) -> None:
        """Accept no more connections; end those that are idle."""
        self._stopping.set()

    def reset(self) -> None:
        """Reset all connections now; their handlers are cancelled."""
        for connection in list(self._live):
            connection.abort()


async def run(
    server: Server,
    sockets: Sequence[socket.socket],
    *,
    grace: float,
    on_listening: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal. First SIGINT or SIGTERM: streams have `grace` seconds to end; second:
    connections are reset; third: the process exits at once."""
    limit_accept_errors()
    async with trio.open_nursery() as nursery:
        await nursery.start(_watch_signals, server, grace)
        on_listening()
        await server.serve(sockets)
        nursery.cancel_scope.cancel()


async def _watch_signals(
    server: Server, grace: float, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        await anext(signals)
        server.stop()
        with trio.move_on_after(grace):
            await anext(signals)
        server.reset()
        number = await anext(signals)
        os._exit(128 + number)


class _EverySecond(logging.Filter):
    """Passes one record a second."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + 1
        return True


_accept_filter = _EverySecond()


def limit_accept_errors() -> None:
    """Let Trio log failing accepts (no descriptors left) once a second, not ten times."""
    logging.getLogger("trio.serve_listeners").addFilter(_accept_filter)
