"""Blobs on their way into the store: the sparse file `<blob>-partial` and the state of its parts.

What a transfer that ended early has brought stays, and the next one goes on with it. The partial
file is locked (`flock`) while somebody writes to it, so that of two processes one waits.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ollamars import _core
from ollamars.errors import StoreError
from ollamars.store.blobs import Blobs
from ollamars.store.files import store_errors, sync_folder
from ollamars.store.parts import Part, length, split


class DigestMismatch(StoreError):
    """What was brought is not what the digest names."""


class PartialBlob:
    """A blob that is being brought; the holder of this object is the only one that writes to it.

    All methods block. `write` and `save` of different parts may be called from several threads.
    """

    def __init__(self, path: Path, blob: Path, descriptor: int) -> None:
        self.path = path
        self._blob = blob
        self._descriptor = descriptor
        self.parts: list[Part] = []
        """In order; none until `begin`, unless an earlier transfer has left some."""

    @classmethod
    def open(cls, blobs: Blobs, digest: str) -> PartialBlob | None:
        """Lock the partial file of a digest, made where there is none; None: another has it.

        Parts that an earlier transfer has left are taken over if they make sense.
        Raises `InvalidDigest`, `StoreError`.
        """
        blob = blobs.path(digest)
        path = partial_path(blobs, digest)
        with store_errors("open"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        partial = cls(path, blob, descriptor)
        if not partial._lock():
            os.close(descriptor)
            return None
        partial.parts = partial._usable_parts()
        return partial

    def _lock(self) -> bool:
        """Is the file at `path` ours alone now? A file system without locks is used without."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return self._is_in_place()

    def _is_in_place(self) -> bool:
        """False: whoever had the file before has renamed or removed it."""
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        return False

    def _usable_parts(self) -> list[Part]:
        parts = left_parts(self.path)
        if parts is None or length(parts) != os.fstat(self._descriptor).st_size:
            self.restart()
            return []
        return parts

    @property
    def total(self) -> int:
        """Bytes of the whole blob; 0 until it is known."""
        return length(self.parts) or 0

    def begin(self, total: int) -> None:
        """Make room for a blob of `total` bytes. Raises `StoreError` (disk too small)."""
        with self._writing():
            system = os.fstatvfs(self._descriptor)
            free = system.f_bavail * system.f_frsize
        if total > free:
            reason = f"no space left on device: {total} bytes needed, {free} free"
            raise StoreError(f"write {self.path}: {reason}")
        self.parts = split(total)
        with self._writing():
            os.ftruncate(self._descriptor, 0)
            os.ftruncate(self._descriptor, total)
        for part in self.parts:
            self.save(part)

    def write(self, part: Part, data: bytes | bytearray) -> None:
        """Append to what a part has. Raises `StoreError` (full disk)."""
        view = memoryview(data)
        with self._writing():
            while view:
                at = part.offset + part.completed
                written = os.pwrite(self._descriptor, view, at)
                part.completed += written
                view = view[written:]

    def save(self, part: Part) -> None:
        """Write down how far a part is. Raises `StoreError`."""
        path = self.path.with_name(f"{self.path.name}-{part.number}")
        data = part.encode()
        with store_errors(f"write {path}"):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                # In this order, the file is never empty.
                os.pwrite(descriptor, data, 0)
                os.ftruncate(descriptor, len(data))
            finally:
                os.close(descriptor)

    def restart(self) -> None:
        """Forget all that was brought. Raises `StoreError`."""
        self.parts = []
        with self._writing():
            _remove_parts(self.path)
            os.ftruncate(self._descriptor, 0)

    def settle(self, digest: str, found: str) -> None:
        """Make the file the blob of `digest`; `found` is what `digest_of_file` says of it.

        Raises `DigestMismatch`, after which nothing of it is left, and `StoreError`.
        """
        if found != digest:
            self.discard()
            raise DigestMismatch(
                f"digest mismatch, file must be downloaded again: want {digest}, got {found}"
            )
        with self._writing():
            os.fchmod(self._descriptor, 0o644)
            self.path.replace(self._blob)
            _remove_parts(self.path)
            sync_folder(self._blob.parent)

    def discard(self) -> None:
        """Remove the file and its parts. Raises `StoreError`."""
        self.parts = []
        with self._writing():
            _remove_parts(self.path)
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let others have it; a file that never got parts goes."""
        if not self.parts and self._is_in_place():
            with suppress(OSError):
                self.path.unlink()
        os.close(self._descriptor)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with store_errors(f"write {self.path}"):
            yield


def partial_path(blobs: Blobs, digest: str) -> Path:
    """Where the partial file of a digest is or would be. Raises `InvalidDigest`, `StoreError`."""
    return blobs.folder / f"{blobs.path(digest).name}-partial"


def digest_of_file(path: Path) -> str:
    """The digest of a file, which is made last on the disk, too. Takes a second for a gigabyte.

    Uses the path alone, so that whoever holds the partial blob may go meanwhile. Raises
    `StoreError`.
    """
    with store_errors("read"):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return f"sha256:{_core.sha256_file(str(path))}"


def left_parts(path: Path) -> list[Part] | None:
    """The parts whose state lies beside a partial file, in order; None if one is damaged."""
    try:
        parts = [Part.decode(file.read_bytes()) for file in _part_files(path)]
    except (ValueError, FileNotFoundError):  # or the transfer of another process has just ended
        return None
    return sorted(parts, key=lambda part: part.number)


def _part_files(path: Path) -> list[Path]:
    pattern = re.compile(re.escape(path.name) + r"-\d+")
    with store_errors("open"):
        return [file for file in path.parent.iterdir() if pattern.fullmatch(file.name)]


def _remove_parts(path: Path) -> None:
    for file in _part_files(path):
        file.unlink(missing_ok=True)
