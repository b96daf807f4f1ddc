"""FunctionGemma: `call:NAME{key:value}` with strings between `<escape>`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

from ollamars.prompts.gotemplate.strconv import parse_float
from ollamars.prompts.parsers.calls import sorted_inside
from ollamars.prompts.parsers.coerce import integer
from ollamars.prompts.parsers.stream import StreamParser

_CALL: Final = "<start_function_call>"
_CALL_END: Final = "<end_function_call>"
_ESCAPE: Final = "<escape>"
_MARK: Final = re.compile(r"<escape>.*?(?:<escape>|\Z)|[\[\]{},]", re.DOTALL)
_NUMBER: Final = re.compile(
    r"[ \t]*([+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eEpP][+-]?[0-9_]*)?))"
)
_POWER: Final = re.compile(r"([^pPxX]+)[pP]([+-]?[0-9]{1,4})")
_MAX_DEPTH: Final = 64


class FunctionGemmaParser(StreamParser):
    """Content and calls; nothing is trimmed."""

    def _content(self) -> bool:
        if self._has(_CALL):
            self._write(self._cut(_CALL))
            self._state = self._call
            return True
        return self._write_settled(self._write, (_CALL,), space=False)

    def _call(self) -> bool:
        if not self._has(_CALL_END):
            return False
        call = _find_call(self._cut(_CALL_END))
        if call is not None:
            name, arguments = call
            self._write_call(name, dict(_members(arguments, 0)))
        if not self._has(_CALL):
            self._state = self._content
        return True


def _find_call(text: str) -> tuple[str, str] | None:
    """Name of the first call, and what stands between its braces on one line."""
    start = text.find("call:")
    while start >= 0:
        name = start + len("call:")
        brace = text.find("{", name)
        if brace < 0:
            return None
        line_end = text.find("\n", brace)
        end = text.rfind("}", brace, line_end if line_end >= 0 else len(text))
        if brace > name and end >= 0:
            return text[name:brace], text[brace + 1 : end]
        start = text.find("call:", brace if brace > name else name)
    return None


def _split(text: str) -> Iterator[str]:
    """The parts between commas that do not stand in strings or brackets, but for empty ones."""
    depth = start = 0
    for match in _MARK.finditer(text):
        mark = match[0]
        depth += (mark in ("{", "[")) - (mark in ("}", "]"))
        if mark == "," and depth == 0:
            if start < match.start():
                yield text[start : match.start()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _members(text: str, depth: int) -> Iterator[tuple[str, Any]]:
    for part in _split(text):
        key, colon, value = part.partition(":")
        if colon:
            yield key, sorted_inside(_value(value, depth))


def _value(text: str, depth: int) -> Any:
    """A value; text that is no other is a string, and an empty list is null."""
    if text.startswith(_ESCAPE) and text.endswith(_ESCAPE):
        return text[len(_ESCAPE) : -len(_ESCAPE)]
    if text in ("true", "false"):
        return text == "true"
    found = _number(text)
    if found is not None:
        return found
    if depth < _MAX_DEPTH and text.startswith("[") and text.endswith("]"):
        return [_value(part, depth + 1) for part in _split(text[1:-1])] or None
    if depth < _MAX_DEPTH and text.startswith("{") and text.endswith("}"):
        return dict(_members(text[1:-1], depth + 1))
    return text


def _number(text: str) -> int | float | None:
    """The number that a text starts with."""
    try:
        value = integer(text)
        if str(value) == text:
            return value
    except ValueError:
        pass
    match = _NUMBER.match(text)
    if match is None:
        return None
    power = _POWER.fullmatch(match[1])
    if power is None:
        return parse_float(match[1])
    mantissa = parse_float(power[1])
    try:
        return None if mantissa is None else math.ldexp(mantissa, int(power[2]))
    except OverflowError:
        return None
