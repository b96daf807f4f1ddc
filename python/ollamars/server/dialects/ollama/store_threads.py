"""Store work off the event loop: it blocks, so it runs in threads of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import trio

P = ParamSpec("P")
T = TypeVar("T")

SHORT_WORK = trio.CapacityLimiter(8)
"""Listing, reading, copying, deleting, a piece of an upload."""
LONG_WORK = trio.CapacityLimiter(2)
"""Creating a model, which reads and writes all its weights."""


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run short store work; it finishes even when the request is cancelled meanwhile."""
    return await trio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=SHORT_WORK)


async def in_long_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run long store work, which looks for its cancellation itself (`trio.from_thread`)."""
    return await trio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=LONG_WORK)
