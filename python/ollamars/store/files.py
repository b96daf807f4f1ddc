"""Writing files so that a crash or a full disk leaves either the old or the new, never a half."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ollamars.errors import StoreError

_RUST_NUMBER = re.compile(r" \(os error \d+\)$")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def describe(error: OSError, doing: str = "") -> str:
    """An operating system error in Go's form: `open PATH: no such file or directory`."""
    reason = _RUST_NUMBER.sub("", error.strerror or str(error)).lower()
    if error.errno in _FULL:
        reason = "no space left on device"
    place = f"{doing} {error.filename}".strip() if error.filename else doing
    return f"{place}: {reason}" if place else reason


@contextmanager
def store_errors(doing: str) -> Iterator[None]:
    """Turn an `OSError` (full disk, no permission) into a `StoreError` that says what failed."""
    try:
        yield
    except OSError as error:
        raise StoreError(describe(error, doing)) from error


def make_folder(path: Path) -> None:
    """Make a folder and its parents. Raises `StoreError`."""
    try:
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        reason = describe(error, "mkdir")
        raise StoreError(f"{reason}: ensure path elements are traversable") from error


def create_temporary(folder: Path, prefix: str) -> tuple[BinaryIO, Path]:
    """A new file `prefix` + digits, open for writing. Raises `OSError`."""
    while True:
        path = folder / f"{prefix}{secrets.randbelow(10**10)}"
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            return os.fdopen(descriptor, "wb", buffering=0), path


def sync_folder(path: Path) -> None:
    """Make a rename or a removal in a folder last. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes, *, temporary: Path) -> None:
    """Write a file whole: into the folder `temporary`, fsync, rename. Raises `OSError`."""
    file, draft = create_temporary(temporary, ".")
    try:
        with file:
            file.write(data)
            os.fsync(file.fileno())
        try:
            os.replace(draft, path)
        except OSError as error:
            if error.errno != errno.EXDEV or temporary == path.parent:
                raise
            write_atomically(path, data, temporary=path.parent)
        sync_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder's lock against other threads and processes (advisory, `flock`).

    The folder itself is locked, so no lock file stays behind. A file system without locks is used
    without. Raises `StoreError` for a folder that may not be read.
    """
    with store_errors("open"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
