"""One loaded model: its engine, the requests that use it, and when it goes."""

from __future__ import annotations

import time

import trio

from ollamars.runtime.bridge import Bridge
from ollamars.runtime.engine import Engine
from ollamars.runtime.settings import Settings
from ollamars.store.models import StoredModel


class LoadedModel:
    """A model in memory. Its key is the path of the weights: names that share them share it."""

    def __init__(
        self, model: StoredModel, engine: Engine, settings: Settings, keep_alive: int
    ) -> None:
        self.model = model
        """The name that it was loaded by."""
        self.engine = engine
        self.settings = settings
        self.bridge = Bridge(engine)
        self.keep_alive = keep_alive
        """Nanoseconds that it stays after its last request."""
        self.active = 0
        """Requests that use it."""
        self.retiring = False
        """It goes when it is idle; new requests do not take it."""
        self.expires_at = _after(keep_alive)
        """End of its time in ns since 1970; in the past while a later request runs."""
        self.touched = trio.Event()
        """Set when its time no longer counts: a request came, or it is unloaded."""
        self._idle = trio.Event()

    @property
    def key(self) -> str:
        """The path of the weights."""
        return str(self.model.model_path)

    @property
    def usable(self) -> bool:
        """May a new request take it?"""
        return not self.retiring and self.bridge.failure is None

    def begin(self, keep_alive: int | None) -> None:
        """A request takes it; a `keep_alive` in ns replaces the former."""
        if self.active == 0:
            self._idle = trio.Event()
        self.active += 1
        self.touched.set()
        if keep_alive is not None:
            self.keep_alive = keep_alive

    def end(self) -> bool:
        """A request gives it back; was that the last one? Then the time starts."""
        self.active -= 1
        if self.active:
            return False
        self.expires_at = _after(self.keep_alive)
        self.touched = trio.Event()
        self._idle.set()
        return True

    def expire(self) -> None:
        """Let its time end now, whatever was said before."""
        self.keep_alive = 0
        self.expires_at = time.time_ns()

    async def wait_idle(self) -> None:
        """Return when no request uses it."""
        while self.active:
            await self._idle.wait()


def _after(keep_alive: int) -> int:
    """`keep_alive` from now, in ns since 1970."""
    return time.time_ns() + keep_alive
