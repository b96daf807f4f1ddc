"""Pushing a model: its blobs where the registry lacks them, then its manifest."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from ollamars.errors import OllamarsError
from ollamars.registry.errors import NotInRegistry
from ollamars.registry.nursery import plain_nursery
from ollamars.registry.progress import Emit, blob_event, follow, status
from ollamars.registry.session import Session
from ollamars.registry.threads import in_disk_thread
from ollamars.registry.upload import Upload
from ollamars.registry.urls import Repository
from ollamars.store.files import store_errors
from ollamars.store.manifests import MANIFEST_TYPE, Layer, Manifest
from ollamars.store.names import Name
from ollamars.store.store import Store

VERB = "pushing"


@dataclass(frozen=True, slots=True)
class Push:
    """A model on its way from the store to a registry."""

    store: Store
    session: Session
    repository: Repository
    name: Name
    """In the spelling of the store."""
    emit: Emit

    async def run(self) -> None:
        """Push; tells the progress, `success` at last. Raises `OllamarsError`."""
        self.emit(status("retrieving manifest"))
        try:
            manifest = await in_disk_thread(self._manifest)
        except OllamarsError:
            self.emit(status("couldn't retrieve manifest"))
            raise
        for layer in manifest.all_layers:
            await self._blob(layer)
        self.emit(status("pushing manifest"))
        await self.session.call(
            "PUT",
            self.repository.manifest,
            headers={"Content-Type": MANIFEST_TYPE},
            content=manifest.encode().removesuffix(b"\n"),
            patient=True,
        )
        self.emit(status("success"))

    def _manifest(self) -> Manifest:
        path = self.store.manifests.path(self.name)
        with store_errors("open"):
            return Manifest.decode(path.read_bytes())

    async def _blob(self, layer: Layer) -> None:
        """See to it that the registry has a blob."""
        try:
            await self.session.call("HEAD", self.repository.blob(layer.digest))
        except NotInRegistry:
            await self._upload(layer)
        self.emit(blob_event(VERB, layer.digest, layer.size, layer.size))

    async def _upload(self, layer: Layer) -> None:
        path = self.store.blobs.path(layer.digest)
        upload = Upload(self.session, self.repository, layer, path)
        done = trio.Event()
        tick = self.session.timing.tick
        async with plain_nursery() as nursery:
            nursery.start_soon(follow, VERB, layer.digest, upload, done, self.emit, tick)
            await upload.run()
            done.set()
