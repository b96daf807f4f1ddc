"""Pulling a model: its manifest, the blobs that are missing, and then the manifest into place."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from ollamars.errors import OllamarsError, StoreError
from ollamars.registry.downloads import VERB, Downloads
from ollamars.registry.errors import RegistryError
from ollamars.registry.progress import Emit, blob_event, status
from ollamars.registry.session import Session
from ollamars.registry.threads import in_disk_thread
from ollamars.registry.urls import Repository
from ollamars.store.digests import InvalidDigest
from ollamars.store.gosyntax import SyntaxFault, only_value
from ollamars.store.manifests import MANIFEST_TYPE, Layer, Manifest, ModelNotFound
from ollamars.store.names import Name
from ollamars.store.partials import DigestMismatch
from ollamars.store.store import Store

_log = logging.getLogger(__name__)

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ROUNDS = 3
"""How often blobs are brought that somebody removes meanwhile."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A model on its way from a registry into the store."""

    store: Store
    downloads: Downloads
    session: Session
    repository: Repository
    name: Name
    """In the spelling of the store."""
    keep_unused: bool
    """Leave the blobs that only the model's former version uses."""
    emit: Emit

    async def run(self) -> None:
        """Pull; tells the progress, `success` at last.

        Raises `OllamarsError`. The model's former version stays then, and so do parts of blobs.
        """
        self.emit(status("pulling manifest"))
        data = await self._manifest()
        manifest = _checked(data)
        for _ in range(_ROUNDS):
            await self._bring(manifest)
            self.emit(status("writing manifest"))
            old, missing = await in_disk_thread(self._write, data, manifest)
            if not missing:
                break
        else:
            raise StoreError(f"{missing[0]} was removed while {self.name.short} was pulled")
        await self._remove_unused(old, manifest)
        self.emit(status("success"))

    async def _manifest(self) -> bytes:
        try:
            answer = await self.session.call(
                "GET", self.repository.manifest, headers={"Accept": MANIFEST_TYPE}
            )
            only_value(answer.body)
            Manifest.decode(answer.body)
        except (OllamarsError, SyntaxFault) as error:
            raise RegistryError(f"pull model manifest: {error}") from error
        return answer.body

    async def _bring(self, manifest: Manifest) -> None:
        """See to it that all blobs are there, checked."""
        brought: list[str] = []
        try:
            for layer in manifest.all_layers:
                await self._fetch(layer, brought)
        except OllamarsError:
            await self._settle(brought)
            raise
        self.emit(status("verifying sha256 digest"))
        mismatches = await self._settle(brought)
        if mismatches:
            raise mismatches[0]

    async def _fetch(self, layer: Layer, brought: list[str]) -> None:
        """Bring a blob if it is missing, and note its digest then."""
        size = await in_disk_thread(self._size_of, layer, brought)
        if size is not None:
            self.emit(blob_event(VERB, layer.digest, size, size))
            return
        url = self.repository.blob(layer.digest)
        await self.downloads.fetch(self.session, url, layer.digest, self.emit)
        brought.append(layer.digest)

    async def _settle(self, brought: list[str]) -> list[DigestMismatch]:
        """Check blobs and give them their names; what is wrong goes, and is told."""
        mismatches = []
        for digest in brought:
            try:
                await self.downloads.settle(digest)
            except DigestMismatch as error:
                mismatches.append(error)
        return mismatches

    def _digest(self, layer: Layer) -> str:
        """A layer's digest. Raises `OllamarsError` where it is none."""
        if not layer.digest:
            raise RegistryError(f"{self.repository.path}: digest is empty")
        if not _DIGEST.fullmatch(layer.digest):
            raise InvalidDigest
        return layer.digest

    def _size_of(self, layer: Layer, brought: list[str]) -> int | None:
        """Bytes of a blob that is there; None: it is missing."""
        digest = self._digest(layer)
        if digest in brought:
            return layer.size
        return self.store.blobs.touch(digest) if self.store.blobs.has(digest) else None

    def _write(self, data: bytes, manifest: Manifest) -> tuple[Manifest | None, list[str]]:
        """Write the manifest unless a blob is missing; the former one, and what is missing."""
        with self.store.lock():
            digests = [layer.digest for layer in manifest.all_layers]
            missing = [digest for digest in digests if not self.store.blobs.has(digest)]
            try:
                old = self.store.manifests.read(self.name)
            except (ModelNotFound, StoreError):
                old = None
            if not missing:
                self.store.manifests.write(self.name, data)
            return old, missing

    async def _remove_unused(self, old: Manifest | None, new: Manifest) -> None:
        if old is None or self.keep_unused:
            return
        kept = {layer.digest for layer in new.all_layers}
        if any(layer.digest not in kept for layer in old.all_layers):
            self.emit(status("removing unused layers"))
            await in_disk_thread(self._remove, old)

    def _remove(self, old: Manifest) -> None:
        try:
            with self.store.lock():
                self.store.remove_unused(old)
        except StoreError as error:
            _log.warning("unused layers stay: %s", error.message)


def _checked(data: bytes) -> Manifest:
    """The manifest, if it is one of a model that can be used here. Raises `RegistryError`."""
    manifest = Manifest.decode(data)
    if not manifest.all_layers:
        raise RegistryError("pull model manifest: it has no layers")
    if any(layer.kind == "tensor" for layer in manifest.layers):
        raise RegistryError("this model requires MLX support, but the MLX runtime is not available")
    return manifest
