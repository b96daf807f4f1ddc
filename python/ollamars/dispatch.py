"""Between an engine in this process and the threads that wait for its news."""

from __future__ import annotations

import itertools
import os
import queue
import select
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ollamars import _core
from ollamars.errors import BadRequest


@dataclass
class Dispatcher:
    """Hands the engine's events to the threads that wait for them."""

    engine: _core.Engine
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    waiting: dict[int, queue.SimpleQueue[_core.Event]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None
    closed: bool = False

    def open(self, prompt: Sequence[int], options: Mapping[str, Any]) -> int:
        """Begin a request; its number, under which `waiting` has its events.

        Raises `BadRequest`.
        """
        with self.lock:
            if self.closed:
                raise BadRequest("the model is closed")
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, name="ollamars-model", daemon=True)
                self.thread.start()
            request = next(self.ids)
            self.waiting[request] = queue.SimpleQueue()
        try:
            self.engine.submit(request, prompt, options)
        except (_core.CoreError, TypeError, ValueError) as error:
            self.forget(request)
            raise BadRequest(str(error)) from None
        return request

    def forget(self, request: int) -> None:
        """Nobody waits for a request any more."""
        with self.lock:
            self.waiting.pop(request, None)

    def run(self) -> None:
        """The thread's work, until the engine is closed."""
        ready = select.poll()
        ready.register(self.engine.event_fd, select.POLLIN)
        while not self.closed:
            ready.poll()
            os.read(self.engine.event_fd, 8)  # first the descriptor, then the queue: none is lost
            self.deliver()

    def deliver(self) -> None:
        """Hand out the events that are there."""
        for event in self.engine.drain():
            waiter = self.waiting.get(event.id)
            if waiter is not None:
                waiter.put(event)

    def close(self) -> None:
        """End all requests with `cancelled`, and the thread."""
        with self.lock:
            self.closed = True
        self.engine.close()  # makes the descriptor readable: the thread sees that it is closed
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join()
        self.deliver()
