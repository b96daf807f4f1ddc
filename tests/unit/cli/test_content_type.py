from __future__ import annotations

import pytest

from ollamars.cli.content_type import content_type


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "text/plain; charset=utf-8"),
        (b'{"a": 1}', "text/plain; charset=utf-8"),
        (b"\xef\xbb\xbf{}", "text/plain; charset=utf-8"),
        (b"GGUF\x03\0\0\0", "application/octet-stream"),
        (b"\n <!doctype html>", "text/html; charset=utf-8"),
        (b"<body>", "text/html; charset=utf-8"),
        (b"<bodyx>", "text/plain; charset=utf-8"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wave"),
        (b"PK\x03\x04", "application/zip"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video/mp4"),
    ],
)
def test_kind(head: bytes, kind: str) -> None:
    assert content_type(head) == kind
