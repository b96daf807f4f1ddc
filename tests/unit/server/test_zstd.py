"""Compressed bodies of requests."""

from __future__ import annotations

import pytest
import zstandard
from werkzeug.exceptions import RequestEntityTooLarge

from ollamars.errors import BadRequest
from ollamars.server.zstd import decompress

ONE = zstandard.compress(b"a" * 10)
LIMIT = 20 << 20
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (ONE, b"a" * 10),
        (ONE + zstandard.compress(b"b" * 10), b"a" * 10 + b"b" * 10),
        (SKIPPABLE + ONE, b"a" * 10),
        (zstandard.compress(bytes(range(256)) * 9000), bytes(range(256)) * 9000),
    ],
)
def test_frames(data: bytes, content: bytes) -> None:
    assert decompress(data, LIMIT) == content


@pytest.mark.parametrize("data", [b"", b"{}", ONE[:-3], ONE + b"junk", ONE + ONE[:-1]])
def test_what_is_no_complete_frame(data: bytes) -> None:
    with pytest.raises(BadRequest, match="zstd"):
        decompress(data, LIMIT)


def test_a_window_that_is_too_large() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=3)
    wide = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(BadRequest, match="zstd"):
        decompress(wide.compress(b"x") + wide.flush(), LIMIT)


def test_a_bomb() -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(256 << 20))
    with pytest.raises(RequestEntityTooLarge):
        decompress(bomb, LIMIT)
    assert len(decompress(zstandard.compress(bytes(1000)), limit=1000)) == 1000
