"""Digests: `sha256:` and 64 hex digits, and the file names of the blobs that they name."""

from __future__ import annotations

import re

from ollamars.errors import BadRequest

_DIGEST = re.compile(r"sha256[:-]([0-9a-fA-F]{64})")


class InvalidDigest(BadRequest):
    """A text that is no digest."""

    def __init__(self) -> None:
        super().__init__("invalid digest format")


def blob_path(digest: str) -> str:
    """A blob's path below the store's root: `blobs/sha256-HEX`, the case of the digits kept.

    The empty digest is the folder of the blobs. Raises `InvalidDigest`.
    """
    if not digest:
        return "blobs"
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise InvalidDigest
    return f"blobs/sha256-{match[1]}"


def is_blob_name(name: str) -> bool:
    """Is `name` the file name of a finished blob?"""
    return name.startswith("sha256-") and _DIGEST.fullmatch(name) is not None
