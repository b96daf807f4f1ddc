"""The progress of a pull or push, as clients see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import trio

Event = Mapping[str, Any]
"""An object of the stream: `status`, and for a blob `digest`, `total`, `completed` (bytes)."""
Emit = Callable[[Event], None]
"""Receives one event; called on Trio's thread."""


class Moving(Protocol):
    """A blob on its way."""

    @property
    def total(self) -> int:
        """Bytes; 0 until it is known."""

    @property
    def completed(self) -> int:
        """Bytes that have arrived."""


def status(text: str) -> Event:
    """An event that is a line of text."""
    return {"status": text}


def blob_event(verb: str, digest: str, total: int, completed: int) -> Event:
    """How far a blob is; zeros are left out."""
    numbers = {"total": total, "completed": completed}
    text = f"{verb} {digest.removeprefix('sha256:')[:12]}"
    return {"status": text, "digest": digest} | {key: n for key, n in numbers.items() if n}


async def follow(
    verb: str, digest: str, blob: Moving, done: trio.Event, emit: Emit, tick: float
) -> bool:
    """Tell how far a blob is, every `tick` seconds until `done`; was there anything to tell?"""
    told = False
    while True:
        with trio.move_on_after(tick):
            await done.wait()
            return told
        if blob.total:
            emit(blob_event(verb, digest, blob.total, blob.completed))
            told = True
