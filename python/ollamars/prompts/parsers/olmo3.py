"""OLMo 3: calls as Python writes them, a line each; and the models that only think."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ollamars.prompts.messages import Message
from ollamars.prompts.parsers.calls import sorted_inside
from ollamars.prompts.parsers.literals import WORDS, number, split
from ollamars.prompts.parsers.stream import StreamParser, goes_on
from ollamars.prompts.parsers.tagged import TaggedParser
from ollamars.prompts.text import WHITE_SPACE

_CALLS: Final = "<function_calls>"
_CALLS_END: Final = "</function_calls>"
_CALL: Final = re.compile(r"([0-9A-Za-z_]+)\((.*)\)")
_ESCAPE: Final = re.compile(r"""\\([\\"'nrt])""")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_WORDS: Final = {**WORDS, "nil": None}
_MAX_DEPTH: Final = 64
_MIN_QUOTED: Final = 2


class Olmo3Parser(StreamParser):
    """Content and blocks of calls. What directly follows a block is content as it comes, and so is
    a piece that comes with the end."""

    reads_last_piece = False

    def _content(self) -> bool:
        if not self._done and self._has(_CALLS):
            self._write(self._cut(_CALLS))
            self._state = self._block
            return True
        if self._done:
            self._write(self._take())
            return False
        return self._write_settled(self._write, (_CALLS,), space=False)

    def _block(self) -> bool:
        if self._done or not self._has(_CALLS_END):
            return False
        for name, arguments in _calls(self._cut(_CALLS_END)):
            self._write_call(name, arguments)
        self._state = self._behind_block
        return True

    def _behind_block(self) -> bool:
        if self._buffer and not self._done:
            self._write(self._take())
            self._state = self._content
        return False


class Olmo3ThinkParser(TaggedParser):
    """Thinking until `</think>`, then content; no tools."""

    has_tools = False
    has_thinking = True
    call_ends_thinking = False

    def _start(self, last: Message | None) -> None:
        if not goes_on(last):
            self._state = self._thinking

    def _content(self) -> bool:
        if self._buffer:
            self._write(self._take())
        return False


class _BadCallError(ValueError):
    """A line that is not a call."""


def _calls(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The calls of a block; none if one line is bad."""
    lines = (line.strip(WHITE_SPACE) for line in text.split("\n"))
    try:
        return [_call(line) for line in lines if line]
    except _BadCallError:
        return []


def _call(line: str) -> tuple[str, Mapping[str, Any]]:
    match = _CALL.fullmatch(line)
    if match is None:
        raise _BadCallError
    arguments: dict[str, Any] = {}
    for part in split(match[2].strip(WHITE_SPACE)):
        if not part.strip(WHITE_SPACE):
            continue
        name, equals, value = part.partition("=")
        if not equals:
            raise _BadCallError
        arguments[name.strip(WHITE_SPACE)] = sorted_inside(_value(value))
    return match[1], arguments


def _value(text: str, depth: int = 0) -> Any:
    text = text.strip(WHITE_SPACE)
    if depth > _MAX_DEPTH:
        raise _BadCallError
    if _is_quoted(text):
        return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text[1:-1])
    if text in _WORDS:
        return _WORDS[text]
    found = number(text)
    if found is not None:
        return found
    inner = text[1:-1].strip(WHITE_SPACE)
    if text.startswith("[") and text.endswith("]"):
        return [_value(part, depth + 1) for part in split(inner)]
    if text.startswith("{") and text.endswith("}"):
        return dict(_member(part, depth) for part in split(inner) if part.strip(WHITE_SPACE))
    return text


def _member(text: str, depth: int) -> tuple[str, Any]:
    key, colon, value = text.partition(":")
    if not colon:
        raise _BadCallError
    key = key.strip(WHITE_SPACE)
    return key[1:-1] if _is_quoted(key) else key, _value(value, depth + 1)


def _is_quoted(text: str) -> bool:
    return len(text) >= _MIN_QUOTED and text[0] in "\"'" and text[0] == text[-1]
