"""Downloads that run: pulls of one server that want the same blob share it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from ollamars.errors import OllamarsError, StoreError
from ollamars.registry.download import Download
from ollamars.registry.progress import Emit, Moving, blob_event, follow
from ollamars.registry.session import Session
from ollamars.registry.threads import in_disk_thread, in_hashing_thread
from ollamars.registry.timing import Timing
from ollamars.store.blobs import Blobs
from ollamars.store.partials import PartialBlob, digest_of_file, left_parts, partial_path
from ollamars.store.parts import length

_log = logging.getLogger(__name__)

VERB = "pulling"


@dataclass(slots=True)
class _OtherProcess:
    """A download that another process runs, as far as its files tell."""

    total: int = 0
    completed: int = 0


@dataclass(slots=True)
class _Shared:
    """A download and those who wait for it."""

    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    done: trio.Event = field(default_factory=trio.Event)
    waiting: int = 0
    blob: Moving = field(default_factory=_OtherProcess)
    error: OllamarsError | None = None

    @property
    def total(self) -> int:
        """See `Moving`."""
        return self.blob.total

    @property
    def completed(self) -> int:
        """See `Moving`."""
        return self.blob.completed


class Downloads:
    """The downloads of a server; they live in `nursery`, each as long as somebody waits for it."""

    def __init__(self, blobs: Blobs, nursery: trio.Nursery, timing: Timing) -> None:
        self._blobs = blobs
        self._nursery = nursery
        self._timing = timing
        self._running: dict[str, _Shared] = {}

    async def fetch(self, session: Session, url: str, digest: str, emit: Emit) -> None:
        """Bring the blob at `url` into its partial file, unless it is there; tell the progress.

        Cancelled, it ends the download unless somebody else waits for it, too. Raises
        `OllamarsError`.
        """
        shared = self._running.get(digest)
        if shared is None:
            shared = self._running[digest] = _Shared()
            self._nursery.start_soon(self._run, shared, session, url, digest)
        shared.waiting += 1
        try:
            told = await follow(VERB, digest, shared, shared.done, emit, self._timing.tick)
        finally:
            shared.waiting -= 1
            if not shared.waiting:
                shared.scope.cancel()
                self._forget(digest, shared)
        if shared.error is not None:
            raise shared.error
        if told:
            emit(blob_event(VERB, digest, shared.total, shared.total))

    async def settle(self, digest: str) -> None:
        """Check a blob that was fetched, and give it its name.

        Raises `DigestMismatch` when it is not what it should be, and `StoreError`.
        """
        async with self._locked(digest, _OtherProcess()) as partial:
            if partial is None:
                return
            if not all(part.is_complete for part in partial.parts):
                raise StoreError(f"{digest} is not there as a whole; pull again")
            found = await in_hashing_thread(digest_of_file, partial.path)
            await in_disk_thread(partial.settle, digest, found)

    async def _run(self, shared: _Shared, session: Session, url: str, digest: str) -> None:
        try:
            with shared.scope:
                await self._download(shared, session, url, digest)
        except OllamarsError as error:
            shared.error = error
        except Exception:
            _log.exception("a download failed")
            shared.error = OllamarsError("internal server error")
        self._forget(digest, shared)
        shared.done.set()

    async def _download(self, shared: _Shared, session: Session, url: str, digest: str) -> None:
        other = _OtherProcess()
        shared.blob = other
        async with self._locked(digest, other) as partial:
            if partial is not None:
                download = Download(session, url, partial)
                shared.blob = download
                await download.run()

    @asynccontextmanager
    async def _locked(self, digest: str, other: _OtherProcess) -> AsyncIterator[PartialBlob | None]:
        """The partial blob for us alone; None: the blob has come meanwhile.

        `other` is told how far another process is that has it.
        """
        path = await in_disk_thread(partial_path, self._blobs, digest)
        while True:
            partial = await in_disk_thread(PartialBlob.open, self._blobs, digest)
            if partial is not None:
                break
            parts = await in_disk_thread(left_parts, path) or []
            other.total = length(parts) or 0
            other.completed = sum(part.completed for part in parts)
            await trio.sleep(self._timing.lock)
        try:
            here = await in_disk_thread(self._blobs.has, digest)
            yield None if here else partial
        finally:
            with trio.CancelScope(shield=True):
                await in_disk_thread(partial.close)

    def _forget(self, digest: str, shared: _Shared) -> None:
        if self._running.get(digest) is shared:
            del self._running[digest]
