"""The loaded models: who waits for a load, what is evicted for it, what expires.

The rules are Ollama's (v0.33), with two differences: a model that was chosen for eviction takes no
new requests, so that it cannot starve the one that waits for its place; and a load goes on when its
first client leaves and others wait for the same model.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import ExitStack, suppress

import trio

from ollamars.config import Config
from ollamars.durations import FOREVER, SECOND
from ollamars.errors import Busy, OllamarsError
from ollamars.runtime.engine import LoadEngine
from ollamars.runtime.loaded import LoadedModel
from ollamars.runtime.loading import CLOSE_TIMEOUT, close_engine, load_engine
from ollamars.runtime.settings import Settings
from ollamars.store.models import StoredModel

_log = logging.getLogger(__name__)

LAST_CLOSE_TIMEOUT = 2.0
"""Seconds that an engine may take to end when the server ends."""
DEFAULT_MAX_LOADED = 3
"""Models that may be loaded at once where `OLLAMA_MAX_LOADED_MODELS` does not say."""
BUSY = "server busy, please try again.  maximum pending requests exceeded"


class _Waiting:
    """A request that needs a load."""

    def __init__(self, model: StoredModel, settings: Settings, keep_alive: int | None) -> None:
        self.model = model
        self.settings = settings
        self.keep_alive = keep_alive
        self.scope = trio.CancelScope()
        """Cancels the work for this request."""
        self.done = trio.Event()
        self.left = False
        """The client is gone."""
        self.loaded: LoadedModel | None = None
        self.error: OllamarsError | None = None

    @property
    def key(self) -> str:
        return str(self.model.model_path)

    def shares_load_with(self, other: _Waiting) -> bool:
        return not self.left and self.key == other.key and other.settings.serves(self.settings)


class Runtime:
    """All loaded models of a server. Lives on Trio's thread; `run` must be running."""

    def __init__(self, config: Config, *, load: LoadEngine) -> None:
        self._config = config
        self._parallel = config.parallel
        self._load_engine = load
        self._max_loaded = config.max_loaded_models or DEFAULT_MAX_LOADED
        self._loaded: dict[str, LoadedModel] = {}
        self._queue: deque[_Waiting] = deque()
        self._current: _Waiting | None = None
        self._wake = trio.Event()
        self._limiter = trio.CapacityLimiter(1)
        self._nursery: trio.Nursery

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then all models are unloaded."""
        async with trio.open_nursery() as self._nursery:
            try:
                task_status.started()
                await self._work()
            finally:
                with trio.CancelScope(shield=True):
                    async with trio.open_nursery() as closing:
                        for loaded in list(self._loaded.values()):
                            closing.start_soon(self._unload, loaded, LAST_CLOSE_TIMEOUT)

    def models(self) -> list[LoadedModel]:
        """What is loaded, the one that stays longest first."""
        return sorted(self._loaded.values(), key=lambda loaded: -loaded.expires_at)

    def find(self, model: StoredModel) -> LoadedModel | None:
        """The loaded model that has the weights of `model`."""
        return self._loaded.get(str(model.model_path))

    async def acquire(
        self,
        model: StoredModel,
        settings: Settings,
        *,
        keep_alive: int | None,
        on_end: ExitStack,
    ) -> LoadedModel:
        """The loaded model for a request, which gives it back when `on_end` closes.

        `keep_alive` in ns; None leaves what is. Raises `Busy` when too many requests wait for a
        load, and whatever the load raises.
        """
        loaded = self._serving(model, settings)
        if loaded is None:
            loaded = await self._wait_for_load(_Waiting(model, settings, keep_alive))
        else:
            loaded.begin(keep_alive)
        on_end.callback(self._end, loaded)
        return loaded

    async def unload(self, model: StoredModel) -> None:
        """Unload a model when its requests have ended; at once where it is idle."""
        loaded = self.find(model)
        if loaded is None:
            return
        loaded.expire()
        if loaded.active == 0:
            await self._unload(loaded)

    def _serving(self, model: StoredModel, settings: Settings) -> LoadedModel | None:
        loaded = self.find(model)
        if loaded is not None and loaded.usable and loaded.settings.serves(settings):
            return loaded
        return None

    def _end(self, loaded: LoadedModel) -> None:
        if loaded.end() and not loaded.retiring:
            self._keep(loaded)

    def _keep(self, loaded: LoadedModel) -> None:
        """Start the time of a model that is idle."""
        if loaded.keep_alive < FOREVER:
            self._nursery.start_soon(self._expire, loaded, loaded.touched)

    async def _expire(self, loaded: LoadedModel, touched: trio.Event) -> None:
        """Unload after the time to keep it, unless something happens before."""
        with trio.move_on_after(max(loaded.keep_alive, 0) / SECOND):
            await touched.wait()
        if not touched.is_set():
            await self._unload(loaded)

    async def _unload(self, loaded: LoadedModel, limit: float = CLOSE_TIMEOUT) -> None:
        """Take a model that is idle out of the table and free it, in at most `limit` seconds."""
        if self._loaded.get(loaded.key) is not loaded:
            return
        del self._loaded[loaded.key]
        loaded.retiring = True
        loaded.touched.set()
        with trio.CancelScope(shield=True):
            await loaded.bridge.stop()
            await close_engine(loaded.engine, limit)
        _log.info("model unloaded", extra={"values": {"model": loaded.model.name.short}})

    async def _wait_for_load(self, waiting: _Waiting) -> LoadedModel:
        if self._current is None:
            self._current = waiting
            self._wake.set()
        elif len(self._queue) < self._config.max_queue:
            self._queue.append(waiting)
        else:
            raise Busy(BUSY)
        try:
            await waiting.done.wait()
        except BaseException:
            self._leave(waiting)
            raise
        if waiting.error is not None:
            raise waiting.error
        assert waiting.loaded is not None  # what is done has one of the two
        return waiting.loaded

    def _leave(self, waiting: _Waiting) -> None:
        """The client of a request that waits is gone."""
        waiting.left = True
        if waiting.loaded is not None:  # granted in the same moment
            self._end(waiting.loaded)
        elif waiting is not self._current:
            with suppress(ValueError):
                self._queue.remove(waiting)
        elif not any(other.shares_load_with(waiting) for other in self._queue):
            waiting.scope.cancel()

    async def _work(self) -> None:
        """Serve those who wait for a load, one at a time, first come first served."""
        while True:
            while self._current is None:
                self._wake = trio.Event()
                await self._wake.wait()
            waiting = self._current
            with waiting.scope:
                await self._serve(waiting)
            self._current = self._queue.popleft() if self._queue else None

    async def _serve(self, waiting: _Waiting) -> None:
        try:
            loaded = await self._provide(waiting)
        except OllamarsError as error:
            waiting.error = error
        else:
            loaded.begin(waiting.keep_alive)
            if waiting.left:
                self._end(loaded)
            else:
                waiting.loaded = loaded
        waiting.done.set()

    async def _provide(self, waiting: _Waiting) -> LoadedModel:
        """A loaded model that serves a request, after what must go for it has gone."""
        model, settings = waiting.model, waiting.settings
        loaded = self._serving(model, settings)
        if loaded is not None:
            return loaded
        former = self.find(model)
        if former is not None:
            await self._retire(former)
        while len(self._loaded) >= self._max_loaded:
            await self._retire(self._victim())
        return await self._load(waiting)

    def _victim(self) -> LoadedModel:
        """Of those that stay shortest the first one that is idle, else the first."""
        models = sorted(self._loaded.values(), key=lambda loaded: (loaded.keep_alive, loaded.key))
        return next((loaded for loaded in models if loaded.active == 0), models[0])

    async def _retire(self, loaded: LoadedModel) -> None:
        """Let a model take no more requests, and unload it when those it has have ended."""
        loaded.retiring = True
        try:
            await loaded.wait_idle()
        except trio.Cancelled:
            loaded.retiring = False
            if loaded.active == 0:
                self._keep(loaded)
            raise
        await self._unload(loaded)

    async def _load(self, waiting: _Waiting) -> LoadedModel:
        keep_alive = waiting.keep_alive
        engine = await load_engine(
            self._load_engine,
            waiting.model,
            waiting.settings,
            parallel=self._parallel,
            threads=self._config.threads,
            exec=self._config.executor,
            limit_ns=self._config.load_timeout,
            limiter=self._limiter,
        )
        loaded = LoadedModel(
            waiting.model,
            engine,
            waiting.settings,
            self._config.keep_alive if keep_alive is None else keep_alive,
        )
        self._loaded[loaded.key] = loaded
        self._nursery.start_soon(loaded.bridge.run)
        values = {
            "model": loaded.model.name.short,
            "num_ctx": loaded.settings.num_ctx,
            "parallel": self._parallel,
            "exec": engine.exec,
            "memory": engine.memory,
        }
        _log.info("model loaded", extra={"values": values})
        if engine.fallback is not None:
            reason = {"model": loaded.model.name.short, "reason": engine.fallback}
            _log.warning("the cpu executor cannot run this model", extra={"values": reason})
        return loaded
