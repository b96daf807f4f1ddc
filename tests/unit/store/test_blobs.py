from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ollamars.errors import StoreError
from ollamars.store.blobs import Blobs
from ollamars.store.digests import InvalidDigest


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


def names(blobs: Blobs) -> list[str]:
    return sorted(path.name for path in blobs.folder.iterdir())


def test_a_blob_is_named_by_its_content(blobs: Blobs) -> None:
    digest = "sha256:" + hashlib.sha256(b"hello").hexdigest()
    blob = blobs.add(b"hello")
    assert (blob.digest, blob.size, blob.created) == (digest, 5, True)
    assert blobs.read(digest) == b"hello"
    assert not blobs.add(b"hello").created
    assert names(blobs) == [digest.replace(":", "-")]
    assert stat.S_IMODE(blobs.path(digest).stat().st_mode) == 0o644
    blobs.remove(digest)
    blobs.remove(digest)
    assert not blobs.has(digest)


def test_an_upload_that_is_left_leaves_nothing(blobs: Blobs) -> None:
    with blobs.upload() as upload:
        upload.write(b"half")
        assert len(names(blobs)) == 1
    assert names(blobs) == []


def test_a_full_disk_is_told_and_leaves_nothing(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="no space left on device"):
        blobs.add(b"hello")
    assert names(blobs) == []


@pytest.mark.parametrize("digest", ["sha256:abc", "../x", "md5:" + "0" * 64, "sha256:" + "g" * 64])
def test_a_bad_digest_is_refused(blobs: Blobs, digest: str) -> None:
    with pytest.raises(InvalidDigest, match="invalid digest format"):
        blobs.path(digest)


def test_use_makes_a_blob_young(blobs: Blobs) -> None:
    digest = blobs.add(b"x").digest
    os.utime(blobs.path(digest), (0, 0))
    assert blobs.touch(digest) == 1
    assert blobs.path(digest).stat().st_mtime > 0
    with pytest.raises(StoreError, match="no such file or directory"):
        blobs.touch("sha256:" + "0" * 64)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(StoreError, match=r"mkdir .*models.*ensure path elements are traversable"):
        Blobs(tmp_path / "models").add(b"x")


def test_large_blobs_are_hashed_in_pieces(blobs: Blobs) -> None:
    piece: Any = bytearray(1 << 16)
    with blobs.upload() as upload:
        for _ in range(40):
            upload.write(piece)
        upload.seal()
        assert upload.settle()
    assert upload.digest == "sha256:" + hashlib.sha256(bytes(40 << 16)).hexdigest()
