"""Between Hypercorn's ASGI events and Quart: one request and its answer."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import Any, cast

import quart
import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent
from quart_trio.asgi import TrioASGIHTTPConnection
from quart_trio.wrappers import TrioRequest

from ollamars.durations import format_duration
from ollamars.server.logs import info
from ollamars.server.request_body import RequestBody

_requests = logging.getLogger("ollamars.server.requests")


DRAINED = 256 * 1024
"""Bytes of a body that nobody read which an answer waits for, as in Go, so that the connection can
serve the next request. With more to come it is closed, and the answer says so."""
DRAIN_TIME = 0.5
"""Seconds that an answer waits for them."""


class Request(TrioRequest):
    """A request whose body has limits, and that knows what to do when it ends."""

    body_class = RequestBody  # type: ignore[assignment]  # it has the methods that are used
    body: RequestBody  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.body_timeout is not None:
            self.body.read_timeout = self.body_timeout
        self.on_end = ExitStack()
        """What must be undone however the request ends. A generator that was never started runs no
        `finally`, so the engine's work is ended by callbacks here. They must not block."""


def current_request() -> Request:
    """The request that the running handler answers."""
    return cast(Request, quart.request._get_current_object())  # type: ignore[attr-defined]


class HttpExchange(TrioASGIHTTPConnection):
    """Runs the application for one request.

    Two things differ from quart-trio's: the disconnect that Hypercorn reports after the last
    chunk does not cancel the task that closes or recycles the connection, and no time limit cuts
    a stream.
    """

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer the request; a client that leaves cancels the handler."""
        request = cast(Request, self._create_request_from_scope(send))
        self._sent_all = False
        self._status = 0
        begin = time.monotonic_ns()
        with request.on_end:
            request.on_end.callback(self._log, request, begin)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pump, nursery.cancel_scope, request.body, receive)
                response = await self.app.handle_request(request)
                await self._send_response(self._guard(send, request.body), response)
                nursery.cancel_scope.cancel()

    def _log(self, request: Request, begin: int) -> None:
        """One line for each request; status 499 where the client left before an answer."""
        info(
            _requests,
            "request",
            method=request.method,
            path=request.path,
            status=self._status or 499,
            duration=format_duration(time.monotonic_ns() - begin),
            client=request.remote_addr,
        )

    async def _pump(
        self, scope: trio.CancelScope, body: RequestBody, receive: ASGIReceiveCallable
    ) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.request":
                await body.feed(message.get("body", b""), more=message.get("more_body", False))
            elif message["type"] == "http.disconnect":
                if not self._sent_all:
                    scope.cancel()
                return

    def _guard(self, send: ASGISendCallable, body: RequestBody) -> ASGISendCallable:
        async def guarded(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                if not await body.drain(DRAINED, DRAIN_TIME):
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            if message["type"] == "http.response.body":
                if not message.get("more_body", False):
                    self._sent_all = True
                    body.discard()
                elif not message.get("body"):
                    return
            await send(message)

        return guarded
