"""HTTP/1.1 as Go's server speaks it: no upgrade, reason phrases, bad targets answered with 400.

Hypercorn would follow an `Upgrade: h2c` or an HTTP/2 preface, and its clear-text HTTP/2 code raises
on malformed input; nothing that speaks to Ollama needs either.
"""

from __future__ import annotations

from http import HTTPStatus
from itertools import chain

import h11
from hypercorn.events import Closed
from hypercorn.protocol.events import Event, Request, Response
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol
from hypercorn.protocol.http_stream import HTTPStream

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_ABSOLUTE = (b"http://", b"https://")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")


class Http1(H11Protocol):
    """The protocol of one connection."""

    async def _check_protocol(self, event: h11.Request) -> None:
        """An `Upgrade` is ignored."""

    async def _create_stream(self, request: h11.Request) -> None:
        target, headers = request.target, list(request.headers)
        # The parser looks at its limit only where a head comes in several pieces.
        if _head_size(request) > self.config.h11_max_incomplete_size:
            return await self._refuse(431)
        if target.startswith(_ABSOLUTE):  # the host of the absolute form replaces the header's
            host, slash, path = target.partition(b"://")[2].partition(b"/")
            target = slash + path or b"/"
            headers = [item for item in headers if item[0] != b"host"] + [(b"host", host)]
        elif target != b"*" and not target.startswith(b"/"):
            return await self._refuse(400)
        if any(name == b"host" and _is_malformed_host(value) for name, value in headers):
            return await self._refuse(400, b": malformed Host header")
        self.stream = HTTPStream(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
        )
        await self.stream.handle(
            Request(
                stream_id=STREAM_ID,
                headers=headers,
                http_version=request.http_version.decode(),
                method=request.method.decode("ascii"),
                raw_path=target,
                state=self.connection_state,
            )
        )
        self.keep_alive_requests += 1
        await self.context.mark_request()
        return None

    async def _refuse(self, status: int, detail: bytes = b"") -> None:
        await self._send_error_response(status, detail)
        await self.send(Closed())

    async def _send_error_response(self, status_code: int, detail: bytes = b"") -> None:
        """Answer a request that never reached the application, with Go's body."""
        reason = _REASONS.get(status_code, b"")
        body = b"%d %s%s" % (status_code, reason, detail)
        headers = [_TEXT, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        headers.extend(self.config.response_headers("h11"))
        await self._send_h11_event(
            h11.Response(status_code=status_code, headers=headers, reason=reason)
        )
        await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())

    async def stream_send(self, event: Event) -> None:
        """Send a part of the answer; its head gets a reason phrase, which Hypercorn leaves out."""
        if not isinstance(event, Response) or event.status_code < 200:
            return await super().stream_send(event)
        headers = list(chain(event.headers, self.config.response_headers("h11")))
        if self.context.terminated.is_set():
            headers.append((b"connection", b"close"))
        reason = _REASONS.get(event.status_code, b"")
        await self._send_h11_event(
            h11.Response(status_code=event.status_code, headers=headers, reason=reason)
        )
        return None


def _head_size(request: h11.Request) -> int:
    """Bytes of a request's first line and headers, but for their line ends."""
    return len(request.target) + sum(len(name) + len(value) + 2 for name, value in request.headers)


def _is_malformed_host(value: bytes) -> bool:
    return any(byte <= 0x20 or byte == 0x7F for byte in value)
