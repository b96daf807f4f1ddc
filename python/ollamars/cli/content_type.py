"""What a file holds, by its first bytes: the WHATWG MIME sniffing algorithm as Go has it."""

from __future__ import annotations

import re

TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"

_HTML = (
    rb"<(?:!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|BODY|BR|B|P|!--)"
)
_SPACE = rb"[\t\n\f\r ]*"

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (_SPACE + rb"(?i:" + _HTML + rb")[ >]", "text/html; charset=utf-8"),
    (_SPACE + rb"<\?xml", "text/xml; charset=utf-8"),
    (rb"%PDF-", "application/pdf"),
    (rb"%!PS-Adobe-", "application/postscript"),
    (rb"\xfe\xff..", "text/plain; charset=utf-16be"),
    (rb"\xff\xfe..", "text/plain; charset=utf-16le"),
    (rb"\xef\xbb\xbf.", TEXT),
    (rb"\x00\x00\x01\x00|\x00\x00\x02\x00", "image/x-icon"),
    (rb"BM", "image/bmp"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF....WEBPVP", "image/webp"),
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"FORM....AIFF", "audio/aiff"),
    (rb"ID3", "audio/mpeg"),
    (rb"OggS\x00", "application/ogg"),
    (rb"MThd\x00\x00\x00\x06", "audio/midi"),
    (rb"RIFF....AVI ", "video/avi"),
    (rb"RIFF....WAVE", "audio/wave"),
    (rb"....ftyp(?:.{8}(?:.{4})*?)?mp4", "video/mp4"),
    (rb"\x1a\x45\xdf\xa3", "video/webm"),
    (rb".{34}LP", "application/vnd.ms-fontobject"),
    (rb"\x00\x01\x00\x00", "font/ttf"),
    (rb"OTTO", "font/otf"),
    (rb"ttcf", "font/collection"),
    (rb"wOFF", "font/woff"),
    (rb"wOF2", "font/woff2"),
    (rb"\x1f\x8b\x08", "application/x-gzip"),
    (rb"PK\x03\x04", "application/zip"),
    (rb"Rar!\x1a\x07\x00|Rar!\x1a\x07\x01\x00", "application/x-rar-compressed"),
    (rb"\x00asm", "application/wasm"),
)
_COMPILED = tuple((re.compile(pattern, re.DOTALL), kind) for pattern, kind in _SIGNATURES)
_BINARY_BYTES = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def content_type(head: bytes) -> str:
    """The media type of data that begins with `head` (its first 512 bytes)."""
    for pattern, kind in _COMPILED:
        if pattern.match(head):
            return kind
    return BINARY if _BINARY_BYTES.search(head) else TEXT
