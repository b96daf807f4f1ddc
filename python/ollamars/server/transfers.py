"""Pulls and pushes as answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio
from quart import Response

from ollamars.errors import OllamarsError
from ollamars.registry.progress import Emit, Event
from ollamars.server.asgi import current_request
from ollamars.server.responses import PLAIN_JSON, error_response, json_response, ndjson_line
from ollamars.server.streaming import produce, stream_lines
from ollamars.server.threads import in_thread
from ollamars.store.store import Store

if TYPE_CHECKING:
    from ollamars.registry.transfers import Transfers


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """The body; `name` is an old name of `model`, `username` and `password` have no effect."""

    model: str = ""
    insecure: bool = False
    username: str = ""
    password: str = ""
    stream: bool | None = None
    name: str = ""


class LazyTransfers:
    """The transfers of a server, made at the first one.

    The HTTP library and the certificates take a sixth of a second, which a server that has all its
    models need not wait for.
    """

    def __init__(
        self, store: Store, nursery: trio.Nursery, *, home: str, keep_unused: bool = False
    ) -> None:
        """See `Transfers`."""
        self._store = store
        self._nursery = nursery
        self._home = home
        self._keep_unused = keep_unused
        self._lock = trio.Lock()
        self._made: Transfers | None = None

    async def get(self) -> Transfers:
        """The transfers."""
        async with self._lock:
            if self._made is None:
                self._made = await in_thread(self._make)
            return self._made

    def _make(self) -> Transfers:
        from ollamars.registry.transfers import Transfers

        return Transfers(self._store, self._nursery, home=self._home, keep_unused=self._keep_unused)


async def transfer_answer(
    nursery: trio.Nursery, work: Callable[[Emit], Awaitable[None]], *, stream: bool | None
) -> Response:
    """Progress as a stream, or with `stream: false` its last object."""
    if stream is False:
        return await _whole(work)
    return await stream_lines(produce(nursery, current_request().on_end, work), ndjson_line)


async def _whole(work: Callable[[Emit], Awaitable[None]]) -> Response:
    events: list[Event] = [{}]

    def keep(event: Event) -> None:
        events[0] = event

    try:
        await work(keep)
    except OllamarsError as error:
        return error_response(error.message, 500, content_type=PLAIN_JSON)
    return json_response(events[0], content_type=PLAIN_JSON)
