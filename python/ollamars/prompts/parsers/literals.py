"""Text of Python-like calls: where it parts, and what its literals mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ollamars.prompts.gotemplate.strconv import parse_float
from ollamars.prompts.parsers.coerce import integer

_MARK: Final = re.compile(
    r"""'(?:\\.|[^'\\])*+(?:'|\\?\Z)|"(?:\\.|[^"\\])*+(?:"|\\?\Z)|[()\[\]{},]""", re.DOTALL
)
_OPENING: Final = "([{"
_CLOSING: Final = ")]}"
WORDS: Final[dict[str, Any]] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
}


def number(text: str) -> int | float | None:
    """An integer of 64 bits, or a finite float; None if the text is neither."""
    try:
        return integer(text)
    except ValueError:
        return parse_float(text)


def split(text: str) -> Iterator[str]:
    """The parts between commas that do not stand in strings or brackets."""
    depth = start = 0
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark in _OPENING:
            depth += 1
        elif mark in _CLOSING:
            depth -= 1
        elif mark == "," and depth == 0:
            yield text[start : match.start()]
            start = match.end()
    if start < len(text):
        yield text[start:]
