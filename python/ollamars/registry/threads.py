"""Blocking work of transfers, in threads of its own: a slow disk holds up nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import trio

P = ParamSpec("P")
T = TypeVar("T")

DISK = trio.CapacityLimiter(8)
"""Writing and reading pieces of blobs."""
HASHING = trio.CapacityLimiter(2)
"""Reading whole blobs."""


async def in_disk_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a step of a transfer; it finishes even when the transfer is cancelled meanwhile."""
    return await trio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=DISK)


async def in_hashing_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Read a whole blob, which takes seconds to minutes: a transfer that is cancelled goes."""
    return await trio.to_thread.run_sync(
        partial(work, *args, **kwargs), limiter=HASHING, abandon_on_cancel=True
    )
