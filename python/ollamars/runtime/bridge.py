"""From an engine's thread to the tasks that wait for its tokens.

The engine collects events and makes a descriptor readable once for all that are ready; its thread
never takes the GIL and never waits for a client. One task per engine hands the events out.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import trio

from ollamars import _core
from ollamars.errors import BadRequest, OllamarsError
from ollamars.runtime.batches import Batches
from ollamars.runtime.engine import Engine, Event, Vectors

_log = logging.getLogger(__name__)

MAX_UNREAD = 4096
"""Events that a request may leave unread before it is given up."""
WAITING = trio.CapacityLimiter(256)
"""Threads that wait for vectors; the work is the engine's."""
_EVENT_SIZE = 8
"""Bytes that reset an eventfd."""


class EngineFailure(OllamarsError):
    """The engine could not go on."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"an error was encountered while running the model: {reason}")


class RequestCanceled(OllamarsError):
    """The request was ended from this side, because its model goes or nobody reads the answer."""

    status = 499

    def __init__(self, reason: str = "request canceled") -> None:
        super().__init__(reason)


class TokenStream:
    """The events of one request."""

    def __init__(self, engine: Engine, number: int) -> None:
        self.number = number
        self._engine = engine
        self._events: Batches[Event] = Batches()

    def push(self, event: Event) -> None:
        """Take an event of the engine."""
        if event.done == "error":
            self._events.end(EngineFailure(event.error or "unknown"))
        elif event.done == "cancelled":
            self._events.end(RequestCanceled())
        else:
            self._events.push(event)
            if event.done is not None:
                self._events.end()
            elif len(self._events) > MAX_UNREAD:
                self._engine.cancel(self.number)
                self._events.end(RequestCanceled("the client reads too slowly"))

    def fail(self, error: Exception) -> None:
        """End with an error."""
        self._events.end(error)

    def batches(self) -> AsyncIterator[list[Event]]:
        """All events that are ready, again and again; the last one has `done`.

        Raises `EngineFailure` and `RequestCanceled`.
        """
        return self._events


class Bridge:
    """Hands out an engine's events. `run` lives in a nursery that outlives every request."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams: dict[int, TokenStream] = {}
        self._numbers = itertools.count(1)
        self._scope = trio.CancelScope()
        self._stopped = trio.Event()
        self.failure: EngineFailure | None = None
        """Set when the engine is of no further use."""

    def open(self, prompt: Sequence[int], options: Mapping[str, Any]) -> TokenStream:
        """Start a request. Raises `EngineFailure`, `BadRequest` for an option out of its range."""
        if self.failure is not None:
            raise self.failure
        stream = TokenStream(self._engine, next(self._numbers))
        self._streams[stream.number] = stream
        try:
            self._engine.submit(stream.number, prompt, options)
        except _core.CoreError as error:
            del self._streams[stream.number]
            raise BadRequest(str(error)) from None
        except BaseException:
            del self._streams[stream.number]
            raise
        return stream

    def close(self, stream: TokenStream) -> None:
        """End a request, whatever state it is in. Idempotent, does not block."""
        if self._streams.pop(stream.number, None) is not None:
            self._engine.cancel(stream.number)

    async def vectors(self, work: Callable[[int], Vectors]) -> Vectors:
        """Do work of the engine that blocks, in a thread; `work` takes the number of the request.

        The end of the request ends the work within a step. Raises `EngineFailure`.
        """
        if self.failure is not None:
            raise self.failure
        number = next(self._numbers)
        call = partial(work, number)
        try:
            return await trio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=WAITING)
        except _core.CoreError as error:
            raise EngineFailure(str(error)) from None
        finally:
            self._engine.cancel(number)

    async def run(self) -> None:
        """Hand out events until `stop`."""
        descriptor = self._engine.event_fd
        try:
            with self._scope:
                while True:
                    await trio.lowlevel.wait_readable(descriptor)
                    with suppress(BlockingIOError):
                        os.read(descriptor, _EVENT_SIZE)
                    # First the descriptor, then the queue: an event between the two is not lost.
                    for event in self._engine.drain():
                        self._deliver(event)
        except Exception as error:
            _log.exception("the engine failed")
            self._fail(EngineFailure(str(error)))
        finally:
            self._stopped.set()

    def _deliver(self, event: Event) -> None:
        stream = self._streams.get(event.id)
        if stream is not None:
            stream.push(event)
            if event.done is not None:
                del self._streams[event.id]

    def _fail(self, failure: EngineFailure) -> None:
        self.failure = failure
        for stream in self._streams.values():
            stream.fail(failure)
        self._streams.clear()

    async def stop(self) -> None:
        """End `run`; requests that are left get `RequestCanceled`."""
        self._scope.cancel()
        with trio.CancelScope(shield=True):
            await self._stopped.wait()
        for stream in self._streams.values():
            stream.fail(RequestCanceled())
        self._streams.clear()
