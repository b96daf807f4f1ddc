"""Work off the event loop: it blocks, so it runs in threads.

Each kind has a limit of its own, so that uploads to a slow disk let look-ups through.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import trio

P = ParamSpec("P")
T = TypeVar("T")

SHORT_WORK = trio.CapacityLimiter(8)
"""Listing, reading, copying, deleting: the small files of models."""
UPLOADS = trio.CapacityLimiter(4)
"""Writing a piece of an upload, or making the whole last on the disk."""
LONG_WORK = trio.CapacityLimiter(2)
"""Creating a model, which reads and writes all its weights."""
PROMPTS = trio.CapacityLimiter(2)
"""Templates and tokenizing."""

FORMATS = trio.CapacityLimiter(2)
"""Compiling what answers must fit."""


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run short store work; it finishes even when the request is cancelled meanwhile."""
    return await trio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=SHORT_WORK)


async def in_upload_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a step of an upload; it finishes even when the request is cancelled meanwhile."""
    return await trio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=UPLOADS)


async def in_long_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run long store work, which looks for its cancellation itself (`trio.from_thread`)."""
    return await trio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=LONG_WORK)


async def in_prompt_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Build or tokenize a prompt; a request that is cancelled does not wait for the end."""
    return await trio.to_thread.run_sync(
        partial(work, *args, **kwargs), limiter=PROMPTS, abandon_on_cancel=True
    )


async def in_format_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Compile a format; a request that is cancelled does not wait for the end."""
    return await trio.to_thread.run_sync(
        partial(work, *args, **kwargs), limiter=FORMATS, abandon_on_cancel=True
    )
