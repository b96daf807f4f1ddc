"""Items from a producer that must not wait to one consumer that takes all that is ready."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Generic, TypeVar

import trio

T = TypeVar("T")


class Batches(Generic[T]):
    """Pushed items, read in batches. Both ends live on Trio's thread."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._ended = False
        self._error: Exception | None = None
        self._wake = trio.Event()

    def __len__(self) -> int:
        """Items that were not read yet."""
        return len(self._items)

    def push(self, item: T) -> None:
        """Add an item; after `end` it is dropped."""
        if not self._ended:
            self._items.append(item)
            self._wake.set()

    def end(self, error: Exception | None = None) -> None:
        """There is no more; the reader gets what is left, then `error`. The first call counts."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._wake.set()

    def __aiter__(self) -> AsyncIterator[list[T]]:
        return self

    async def __anext__(self) -> list[T]:
        """Everything that is ready, at least one item. Raises the producer's error at the end."""
        while not self._items:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._wake = trio.Event()
            await self._wake.wait()
        items, self._items = self._items, []
        return items
