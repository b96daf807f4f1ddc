"""Trying again, with waits that grow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from ollamars.registry.errors import RegistryError, Unauthorized

T = TypeVar("T")


async def retried(work: Callable[[], Awaitable[T]], waits: tuple[float, ...]) -> T:
    """The result of `work`, after as many failures as there are waits; else its last error.

    Only `RegistryError`s are failures of this kind, and a refusal of the user is final.
    """
    for wait in waits:
        try:
            return await work()
        except Unauthorized:
            raise
        except RegistryError:
            await trio.sleep(wait)
    return await work()
