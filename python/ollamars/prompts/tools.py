"""Tool calls in the text that a model streams, for models without a parser of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum, auto
from typing import Any, Final

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.text import WHITE_SPACE, overlap

_BRACKETS: Final = {"{": "}", "[": "]"}
"""Tags that are brackets, with the one that ends what they begin."""

_MAX_EXACT: Final = 2**53


def json_number(value: float) -> int | float:
    """A number as Go's floats print it: whole ones without a point."""
    number = float(value)
    if not number.is_integer() or abs(number) >= 1e21:
        return number
    return int(number) if abs(number) < _MAX_EXACT else int(Decimal(repr(number)))


def _parse_number(text: str) -> int | float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"number out of range: {text}")
    return json_number(number)


def _no_constant(text: str) -> Any:
    raise ValueError(f"not JSON: {text}")


def parse_object(text: str) -> dict[str, Any] | None:
    """The value of a JSON object as Go reads it; None if it is not one."""
    try:
        value = json.loads(
            text, parse_int=_parse_number, parse_float=_parse_number, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


class _ObjectScanner:
    """Finds the first balanced `{...}` that is JSON in a growing text, in linear time."""

    _INTERESTING: Final = re.compile(r'[\\"{}]')
    _IN_STRING: Final = re.compile(r'[\\"]')

    def __init__(self) -> None:
        self._pos = 0
        self._depth = 0
        self._start: int | None = None
        self._in_string = False
        self.value: dict[str, Any] | None = None
        self.end = 0
        """Position of its closing brace."""

    def scan(self, text: str) -> None:
        """Go on in the text, of which the scanner has seen a beginning."""
        while self.value is None:
            pattern = self._IN_STRING if self._in_string else self._INTERESTING
            match = pattern.search(text, self._pos)
            if match is None:
                self._pos = max(self._pos, len(text))
                return
            self._see(text, match.group(), match.start())

    def _see(self, text: str, char: str, at: int) -> None:
        self._pos = at + 1
        if char == "\\":
            self._pos = at + 2
        elif char == '"':
            self._in_string = not self._in_string
        elif char == "{":
            if self._depth == 0:
                self._start = at
            self._depth += 1
        else:
            self._depth = max(self._depth - 1, 0)
            if self._depth == 0 and self._start is not None:
                self.value = parse_object(text[self._start : at + 1])
                self._start, self.end = None, at


class _BalanceScanner:
    """Tells when brackets of one kind first balance in a growing text."""

    def __init__(self, opening: str) -> None:
        self._brackets = re.compile("[" + re.escape(opening + _BRACKETS[opening]) + "]")
        self._opening = opening
        self._pos = 0
        self._depth = 0
        self.balanced = False

    def scan(self, text: str) -> None:
        """Go on in the text."""
        for match in self._brackets.finditer(text, self._pos):
            if match.group() == self._opening:
                self._depth += 1
            else:
                self._depth -= 1
                self.balanced = self.balanced or self._depth == 0
        self._pos = max(self._pos, len(text))


class _State(Enum):
    LOOKING = auto()
    """For the tag."""
    CALLING = auto()
    DONE = auto()
    """The rest is content."""


class ToolParser:
    """Splits a stream into tool calls and content.

    `tag` begins the calls (`tool_tag` of the template); `names` are those of the tools of the
    request. The numbers of arguments are floats, whole ones written as integers.
    """

    def __init__(self, tag: str, names: Sequence[str]) -> None:
        self._tag = tag
        self._names = list(names)
        self._longest = max(map(len, self._names), default=0)
        self._prefixes = {name[:size] for name in self._names for size in range(1, len(name))}
        self._state = _State.LOOKING
        self._buffer = ""
        self._calls = 0
        self.given_up = ""
        """Text behind the tag that became content because of other text before it.

        Ollama sends it once more at the end of the stream; here it is sent once.
        """
        self._restart()

    def _restart(self) -> None:
        """The buffer begins anew."""
        self._objects = _ObjectScanner()
        self._balance = _BalanceScanner(self._tag) if self._tag in _BRACKETS else None
        self._found: tuple[str, int] | None = None
        self._searched = 0

    def add(self, chunk: str) -> tuple[list[ToolCall], str]:
        """Calls and content that the next piece of text makes certain."""
        if self._state is _State.DONE:
            return [], chunk
        self._buffer += chunk
        content = ""
        if self._state is _State.LOOKING:
            content, found = self._look_for_tag()
            if not found:
                return [], content
        calls: list[ToolCall] = []
        while (call := self._next_call()) is not None:
            calls.append(call)
        if self._balance is not None:
            self._balance.scan(self._buffer)
            if self._balance.balanced:
                self._state = _State.DONE
                content, self._buffer = self._buffer, ""
        return calls, content

    def finish(self) -> str:
        """Content at the end of the stream: what was held back for a call that did not come."""
        rest, self._buffer = self._buffer, ""
        return rest if self._tag in _BRACKETS and self._calls == 0 else ""

    def _look_for_tag(self) -> tuple[str, bool]:
        """Content before the tag, and whether the tag is there and counts."""
        at = self._buffer.find(self._tag)
        found = at >= 0
        if not found:
            at = len(self._buffer) - overlap(self._buffer, self._tag)
        content, self._buffer = self._buffer[:at], self._buffer[at:]
        if self._tag in _BRACKETS and content.strip(WHITE_SPACE):
            self._state = _State.DONE
            self.given_up, self._buffer = self._buffer, ""
            return content + self.given_up, False
        if found:
            self._state = _State.CALLING
            self._restart()
        return content, found

    def _next_call(self) -> ToolCall | None:
        """The next whole call of the buffer, which then begins behind it."""
        found = self._find_tool()
        if found is None:
            return None
        self._objects.scan(self._buffer)
        if self._objects.value is None:
            return None
        name, name_end = found
        arguments = _arguments(self._objects.value, name)
        if arguments is None:
            return None
        self._buffer = self._buffer[max(name_end, self._objects.end) :]
        self._restart()
        call = ToolCall(name, arguments, self._calls)
        self._calls += 1
        return call

    def _find_tool(self) -> tuple[str, int] | None:
        """The tool whose name comes first (the longest of several) and where the name ends.

        None also while the end of the buffer may yet become a name.
        """
        ends = range(1, min(len(self._buffer), self._longest) + 1)
        if any(self._buffer[-size:] in self._prefixes for size in ends):
            return None
        if self._found is not None:
            return self._found
        places = [
            (at, -len(name), name)
            for name in self._names
            if (at := self._buffer.find(name, self._searched)) >= 0
        ]
        self._searched = max(0, len(self._buffer) - self._longest)
        if not places:
            return None
        at, _, name = min(places)
        self._found = (name, at + len(name))
        return self._found


def _arguments(value: dict[str, Any], tool: str) -> Mapping[str, Any] | None:
    """Arguments of a call of `tool` in an object; None if it calls by name but has none."""
    found, arguments = _search(value, tool)
    return arguments if found else value


def _search(value: dict[str, Any], tool: str) -> tuple[bool, Mapping[str, Any] | None]:
    """Look in an object, then in the objects inside it, in order."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if "name" in item:
            named = (_as_object(item.get(key)) for key in ("arguments", "parameters"))
            return True, next((found for found in named if found is not None), None)
        own = item.get(tool)
        if isinstance(own, dict):
            return True, own
        waiting.extend(reversed(list(_children(item))))
    return False, None


def _children(item: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """Objects that are members, or elements of lists that are members."""
    children: list[dict[str, Any]] = []
    for member in item.values():
        elements = member if isinstance(member, list) else [member]
        children.extend(element for element in elements if isinstance(element, dict))
    return children


def _as_object(value: Any) -> dict[str, Any] | None:
    """An object, or the one that a string holds."""
    if isinstance(value, str):
        return parse_object(value)
    return value if isinstance(value, dict) else None
