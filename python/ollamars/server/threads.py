"""Work off the event loop, with limits of its own, so that none waits for file access elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import trio

P = ParamSpec("P")
T = TypeVar("T")

LOOK_UPS = trio.CapacityLimiter(4)
"""Reading the small files of a model."""
PROMPTS = trio.CapacityLimiter(2)
"""Templates and tokenizing."""


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a look-up in the store."""
    return await trio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=LOOK_UPS)


async def in_prompt_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Build or tokenize a prompt; a request that is cancelled does not wait for the end."""
    return await trio.to_thread.run_sync(
        partial(work, *args, **kwargs), limiter=PROMPTS, abandon_on_cancel=True
    )
