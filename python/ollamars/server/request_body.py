"""The body of a request: read piece by piece, with back-pressure and limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator

import trio
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout

HIGH_WATER = 256 * 1024
"""Bytes that may wait for the handler; then the client's connection is not read further."""
READ_TIMEOUT = 60.0
"""Seconds that a handler waits for the next piece where nothing else is said."""


class RequestBody:
    """A body that Quart's handlers read with `async for` or as a whole with `await`.

    Quart's own collects whatever arrives without bound. Here a handler that does not read stops the
    client, `limit` holds for chunked bodies too, and a silent client is given up.
    """

    def __init__(self, expected: int | None, limit: int | None) -> None:
        self.expected = expected
        """Bytes that the client announced, None for a chunked body."""
        self.limit = limit
        """Bytes that the handler accepts; may be set before the first read."""
        self.read_timeout = READ_TIMEOUT
        """Seconds that a handler waits for the next piece."""
        self.received = 0
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._complete = False
        self._discarding = False
        self._readable = trio.Event()
        self._writable = trio.Event()

    async def feed(self, data: bytes, *, more: bool) -> None:
        """Add what arrived; returns when there is room for more."""
        if data and not self._discarding:
            self.received += len(data)
            self._waiting += len(data)
            self._pieces.append(data)
        self._complete = self._complete or not more
        self._readable.set()
        while self._waiting > HIGH_WATER and not self._discarding:
            self._writable = trio.Event()
            await self._writable.wait()

    def discard(self) -> None:
        """The answer is complete: swallow what still arrives."""
        self._discarding = True
        self.clear()

    async def drain(self, most: int, seconds: float) -> bool:
        """Swallow what is left, if that is not more than `most` bytes and comes in time.

        Is the whole body here then?
        """
        end = self.received + most
        if self.expected is not None and self.expected > end:
            return False
        with trio.move_on_after(seconds):
            while not self._complete and self.received <= end:
                self.clear()
                self._readable = trio.Event()
                await self._readable.wait()
        return self._complete

    def clear(self) -> None:
        """Forget what waits to be read."""
        self._pieces.clear()
        self._waiting = 0
        self._writable.set()

    def _check_limit(self) -> None:
        if self.limit is not None and max(self.received, self.expected or 0) > self.limit:
            raise RequestEntityTooLarge("request body too large")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """All that has arrived since the last call. Raises werkzeug's 413 and 408."""
        self._check_limit()
        while not self._pieces:
            if self._complete:
                raise StopAsyncIteration
            self._readable = trio.Event()
            with trio.move_on_after(self.read_timeout) as scope:
                await self._readable.wait()
            if scope.cancelled_caught:
                raise RequestTimeout("the request body did not arrive in time")
            self._check_limit()
        data = b"".join(self._pieces)
        self.clear()
        return data

    def __await__(self) -> Generator[object, object, bytes]:
        return self._whole().__await__()

    async def _whole(self) -> bytes:
        data = b"".join([piece async for piece in self])
        self._pieces = [data]  # the whole may be asked for again
        return data
