"""Blobs: files named by the SHA-256 of their content, under `blobs/`."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ollamars import _core
from ollamars.store.digests import blob_path
from ollamars.store.files import create_temporary, make_folder, store_errors, sync_folder


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob that was just put into the store."""

    digest: str
    """`sha256:` and 64 lower-case hex digits."""
    size: int
    """Bytes."""
    created: bool
    """False: it was there before."""


class Blobs:
    """The blobs of a store. All methods block; they may be called from any thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def folder(self) -> Path:
        """The folder of the blobs; made when it is not there. Raises `StoreError`."""
        folder = self._root / "blobs"
        make_folder(folder)
        return folder

    def path(self, digest: str) -> Path:
        """Where the blob of a digest is or would be. Raises `InvalidDigest`."""
        return self._root / blob_path(digest)

    def has(self, digest: str) -> bool:
        """Is the blob there? Raises `InvalidDigest`, `StoreError`."""
        with store_errors("stat"):
            return self.path(digest).exists()

    def upload(self) -> Upload:
        """Begin to write a blob whose digest is not known yet. Raises `StoreError`."""
        return Upload(self.folder)

    def add(self, data: bytes) -> StoredBlob:
        """Store bytes. Raises `StoreError`."""
        with self.upload() as upload:
            upload.write(data)
            upload.seal()
            created = upload.settle()
        return StoredBlob(upload.digest, upload.size, created)

    def touch(self, digest: str) -> int:
        """Mark a blob as used now, which keeps it from being pruned; its size in bytes.

        Raises `InvalidDigest`, and `StoreError` when it is not there.
        """
        path = self.path(digest)
        with store_errors("open"):
            size = path.stat().st_size
            os.utime(path)
            return size

    def read(self, digest: str) -> bytes:
        """The bytes of a small blob. Raises `InvalidDigest`, `StoreError`."""
        with store_errors("open"):
            return self.path(digest).read_bytes()

    def remove(self, digest: str) -> None:
        """Remove a blob if it is there. Raises `InvalidDigest`, `StoreError`."""
        with store_errors("remove"), suppress(FileNotFoundError):
            self.path(digest).unlink()


class Upload:
    """A blob that is being written; left without `settle`, nothing of it stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hash = _core.Sha256()
        self.digest = ""
        """`sha256:` and 64 hex digits, once it is sealed."""
        self.size = 0
        """Bytes."""
        self._file: BinaryIO
        self.path: Path
        with store_errors("open"):
            self._file, self.path = create_temporary(folder, "sha256-")

    def write(self, data: bytes | bytearray) -> None:
        """Append bytes. Raises `StoreError` (full disk)."""
        with store_errors(f"write {self.path}"):
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        self._hash.update(data)
        self.size += len(data)

    def seal(self) -> None:
        """What was written is the whole blob; make it last on the disk. Raises `StoreError`."""
        with store_errors(f"write {self.path}"):
            os.fsync(self._file.fileno())
        self._file.close()
        self.digest = f"sha256:{self._hash.hexdigest()}"

    def seal_file(self) -> None:
        """Like `seal`, for content that was written to `path` by name. Raises `StoreError`."""
        self._file.close()
        with store_errors("read"):
            self.digest = f"sha256:{_core.sha256_file(str(self.path))}"
            self.size = self.path.stat().st_size

    def settle(self) -> bool:
        """Give the sealed blob its name; False if it was in the store before.

        Raises `StoreError`.
        """
        target = self._folder.parent / blob_path(self.digest)
        with store_errors(f"rename {self.path}"):
            if target.exists():
                os.utime(target)
                return False
            self.path.chmod(0o644)
            self.path.replace(target)
            sync_folder(self._folder)
        return True

    def discard(self) -> None:
        """Remove what was written, unless it became a blob."""
        self._file.close()
        with suppress(OSError):
            self.path.unlink()

    def __enter__(self) -> Upload:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()
