"""The store: models by name, and what changes them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ollamars.errors import StoreError
from ollamars.store.blobs import Blobs
from ollamars.store.digests import InvalidDigest, is_blob_name
from ollamars.store.files import describe, exclusive, make_folder, store_errors
from ollamars.store.manifests import Inventory, Manifest, Manifests, ModelNotFound
from ollamars.store.models import StoredModel, load_model
from ollamars.store.names import Name, fold

_log = logging.getLogger(__name__)

PRUNE_AGE = 3600
"""Seconds: a younger blob may belong to a model whose manifest is not written yet."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning found."""

    total: int
    """Blobs with a valid name that were old enough to look at."""
    removed: int
    """Those of them that no manifest used."""


class Store:
    """The models under a folder (`OLLAMA_MODELS`).

    All methods block and may be called from any thread. Operations that change the store hold a
    lock across threads and processes, for as long as the small files take.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).absolute()
        self.blobs = Blobs(self.root)
        self.manifests = Manifests(self.root)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the store against other writers. Not reentrant. Raises `StoreError`."""
        make_folder(self.root)
        with exclusive(self.root):
            yield

    def resolve(self, name: Name) -> Name:
        """The name in the spelling of the store.

        Each of the four parts is replaced on its own by the spelling that any stored model has of
        it when case does not count, the first in sorted order.
        """
        if name.is_valid and self.manifests.has(name):
            return name
        wanted = (name.host, name.namespace, name.model, name.tag)
        stored = self.manifests.names()
        columns = zip(*((n.host, n.namespace, n.model, n.tag) for n in stored), strict=True)
        if not stored:
            return name
        host, namespace, model, tag = map(_spelling, wanted, columns)
        return Name(host, namespace, model, tag, name.scheme)

    def list(self) -> dict[Name, Manifest]:
        """All models whose manifest can be read, sorted by name; others are logged."""
        return self._inventory().manifests

    def _inventory(self) -> Inventory:
        inventory = self.manifests.read_all()
        for problem in inventory.problems:
            _log.warning("bad manifest: %s", problem)
        return inventory

    def exists(self, name: Name) -> bool:
        """Is there a model of this name, in any case?"""
        return self.manifests.has(self.resolve(name))

    def load(self, name: Name) -> StoredModel:
        """The model of a name, in any case. Raises `ModelNotFound`, `StoreError`."""
        name = self.resolve(name)
        return load_model(name, self.manifests.read(name), self.blobs)

    def copy(self, source: Name, target: Name) -> None:
        """Give a model a second name; an old model of that name goes, its blobs stay.

        Raises `ModelNotFound`, `StoreError`.
        """
        with self.lock():
            source, target = self.resolve(source), self.resolve(target)
            if source.path == target.path:
                return
            try:
                data = self.manifests.path(source).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                raise ModelNotFound(f"model '{source.short}' not found") from None
            except OSError as error:
                raise StoreError(describe(error, "open")) from error
            self.manifests.write(target, data)

    def delete(self, name: Name) -> None:
        """Remove a model and the blobs that no other model uses.

        Raises `ModelNotFound`, `StoreError` (damaged manifest: it stays).
        """
        with self.lock():
            name = self.resolve(name)
            manifest = self.manifests.read(name)
            self.manifests.remove(name)
            self.remove_unused(manifest)

    def remove_unused(self, manifest: Manifest) -> None:
        """Remove those blobs of a former manifest that no model uses. The lock must be held.

        A damaged manifest uses none, as in Ollama; but where one cannot be read, all blobs stay.
        """
        inventory = self._inventory()
        if not inventory.is_whole:
            return
        used = self._used_digests(inventory.manifests)
        try:
            for layer in manifest.all_layers:
                if layer.digest and _colon(layer.digest) not in used:
                    self.blobs.remove(layer.digest)
        except InvalidDigest as error:
            raise StoreError(error.message) from None

    @staticmethod
    def _used_digests(manifests: dict[Name, Manifest]) -> set[str]:
        return {
            _colon(layer.digest) for manifest in manifests.values() for layer in manifest.all_layers
        }

    def start(self, *, prune: bool) -> Pruned | None:
        """Make the folders, mend old blob names, and remove what no model uses.

        Blobs stay when `prune` is false or a manifest is damaged; then the result is None.
        Raises `StoreError`.
        """
        with self.lock():
            self._mend_blob_names()
            pruned = self._prune() if prune else None
            if pruned is not None:
                self.manifests.remove_empty_folders()
            make_folder(self.manifests.folder)
            return pruned

    def _mend_blob_names(self) -> None:
        """Rename blobs from the time when names had a colon."""
        with store_errors("open"):
            old = [path for path in self.blobs.folder.iterdir() if path.name.startswith("sha256:")]
        for path in old:
            with store_errors("rename"):
                path.rename(path.with_name(path.name.replace(":", "-")))

    def _prune(self) -> Pruned | None:
        inventory = self.manifests.read_all()
        if inventory.problems:
            _log.warning(
                "corrupt manifests detected, skipping prune operation.  Re-pull or delete to clear:"
                " %s",
                "; ".join(inventory.problems),
            )
            return None
        used = self._used_digests(inventory.manifests)
        total = removed = 0
        with store_errors("open"):
            entries = list(os.scandir(self.blobs.folder))
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False) or not _is_old(entry):
                    continue
                valid = is_blob_name(entry.name)
                unused = entry.name.replace("-", ":", 1) not in used
                if unused or not valid:
                    os.unlink(entry.path)
            except OSError as error:
                _log.warning("couldn't remove blob: %s", describe(error))
                continue
            total += valid
            removed += valid and unused
        return Pruned(total, removed)


def _spelling(part: str, stored: tuple[str, ...]) -> str:
    return next((spelling for spelling in stored if fold(spelling) == fold(part)), part)


def _colon(digest: str) -> str:
    """A digest in the form with a colon, whichever of the two a manifest has."""
    return digest.replace("-", ":", 1)


def _is_old(entry: os.DirEntry[str]) -> bool:
    return time.time() - entry.stat(follow_symlinks=False).st_mtime >= PRUNE_AGE
