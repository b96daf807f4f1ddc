"""What the routes of one server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import quart
import trio

from ollamars.config import Config
from ollamars.server.transfers import LazyTransfers
from ollamars.store.store import Store

if TYPE_CHECKING:
    from ollamars.runtime.runtime import Runtime

EXTENSION = "ollamars"
"""The key of the context in `app.extensions`."""


@dataclass(frozen=True, slots=True)
class Context:
    """Configuration, store and loaded models. Reached through `current_context()`."""

    config: Config
    store: Store
    runtime: Runtime
    nursery: trio.Nursery
    """Outlives every request; for work that a request starts and that `Request.on_end` ends."""
    transfers: LazyTransfers
    """Pulls and pushes."""
    version: str
    """The version that `/api/version` tells."""
    loopback: bool = True
    """Does the server listen on loopback addresses alone? Then the `Host` header is checked."""


def current_context() -> Context:
    """The context of the running application."""
    return cast(Context, quart.current_app.extensions[EXTENSION])
