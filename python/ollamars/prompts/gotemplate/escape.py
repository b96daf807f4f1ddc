"""`html`, `js`, `urlquery`."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote_from_bytes

from ollamars.prompts.gotemplate.strconv import is_print, to_bytes

_HTML: Final = str.maketrans(
    {
        '"': "&#34;",
        "'": "&#39;",
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "\0": "\ufffd",
    }
)
_JS: Final = {"\\": "\\\\", "'": "\\'", '"': '\\"'}
_JS_SPECIAL = re.compile("[\\\\'\"<>&=\x00-\x1f]|[^\x00-\x7f]")


def html_escape(text: str) -> str:
    """Text for HTML."""
    return text.translate(_HTML)


def js_escape(text: str) -> str:
    """Text for a JavaScript string."""
    return _JS_SPECIAL.sub(_escape_js, text)


def _escape_js(match: re.Match[str]) -> str:
    char = match.group()
    if char in _JS:
        return _JS[char]
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    if char > "\x7f" and is_print(char):
        return char
    return f"\\u{ord(char):04X}"


def url_escape(text: str) -> str:
    """Text for the query of a URL."""
    return quote_from_bytes(to_bytes(text), safe=" ").replace(" ", "+")
