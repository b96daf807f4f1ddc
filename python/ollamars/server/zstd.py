"""zstd bodies of requests, read without trusting what they say about their size."""

from __future__ import annotations

from collections.abc import Iterator

import zstandard
from werkzeug.exceptions import RequestEntityTooLarge

from ollamars.errors import BadRequest

WINDOW_LIMIT = 8 << 20
"""Bytes that a decompressor may look back."""
_SLICE = 128
"""Bytes that are decompressed in one call: a byte grows to at most 32 KiB, so these to 4 MiB."""


def decompress(data: bytes, limit: int) -> bytes:
    """The content of all frames in `data`; blocks.

    Raises `BadRequest` for what is no complete zstd data or needs a larger window, werkzeug's 413
    for more than `limit` bytes.
    """
    pieces, total = [], 0
    for piece in _pieces(data):
        total += len(piece)
        if total > limit:
            raise RequestEntityTooLarge("request body too large")
        pieces.append(piece)
    return b"".join(pieces)


def _pieces(data: bytes) -> Iterator[bytes]:
    context = zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT)
    view, at, frame = memoryview(data), 0, context.decompressobj()
    while at < len(view):
        piece = view[at : at + _SLICE]
        try:
            yield frame.decompress(piece)
        except zstandard.ZstdError as error:
            raise BadRequest(f"the zstd body cannot be read: {error}") from None
        at += len(piece)
        if frame.eof:
            at -= len(frame.unused_data)
            frame = context.decompressobj() if at < len(view) else frame
    if not frame.eof:
        raise BadRequest("the zstd body is incomplete")
