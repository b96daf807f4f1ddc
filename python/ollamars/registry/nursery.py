"""A nursery whose failure is one error, as without tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from ollamars.errors import OllamarsError


@asynccontextmanager
async def plain_nursery() -> AsyncIterator[trio.Nursery]:
    """A nursery; when all that failed in it are `OllamarsError`s, the first one is raised."""
    try:
        async with trio.open_nursery() as nursery:
            yield nursery
    except BaseExceptionGroup as group:
        known, others = group.split(OllamarsError)
        if known is None or others is not None:
            raise
        raise _first(known) from None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
