"""LFM2: calls as Python writes them, in a list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ollamars.prompts.messages import Message
from ollamars.prompts.parsers.calls import BadJson, decode, sorted_inside
from ollamars.prompts.parsers.literals import WORDS, number
from ollamars.prompts.parsers.stream import (
    THINK,
    THINK_END,
    StreamParser,
    goes_on,
    thinks,
)
from ollamars.prompts.text import WHITE_SPACE

_CALLS: Final = "<|tool_call_start|>"
_CALLS_END: Final = "<|tool_call_end|>"
_STRING: Final = r"""'(?:\\.|[^'\\])*+'|"(?:\\.|[^"\\])*+\""""
_UNCLOSED: Final = r"""|['"].*"""
_QUOTED: Final = re.compile(_STRING, re.DOTALL)
_PAREN: Final = re.compile(f"{_STRING}{_UNCLOSED}|[()]", re.DOTALL)
_LITERAL_MARK: Final = re.compile(rf"{_STRING}{_UNCLOSED}|[()\[\]{{}},]", re.DOTALL)
_PYTHON_TOKEN: Final = re.compile(f"{_STRING}{_UNCLOSED}|[A-Za-z_][A-Za-z0-9_]*", re.DOTALL)
_IN_QUOTES: Final = re.compile(r'\\.|"', re.DOTALL)
_JSON_WORDS: Final = {"True": "true", "False": "false", "None": "null"}
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_SEPARATORS: Final = "," + WHITE_SPACE


class Lfm2Parser(StreamParser):
    """Content and blocks of calls. After a block that cannot be read all is lost."""

    def _content(self) -> bool:
        if self._has(_CALLS):
            self._write(self._cut(_CALLS).rstrip(WHITE_SPACE))
            self._state = self._block
            return True
        if self._done:
            self._write(self._take())
            return False
        return self._write_settled(self._write, (_CALLS,))

    def _block(self) -> bool:
        if not self._has(_CALLS_END):
            return False
        try:
            for name, arguments in read_calls(self._cut(_CALLS_END)):
                self._write_call(name, arguments)
        except _BadCallError:
            self._state = self._lost
        else:
            self._state = self._gap(self._content)
        return True

    def _lost(self) -> bool:
        self._take()
        return False


class Lfm2ThinkingParser(Lfm2Parser):
    """Thinks, if the request says so, where the text starts with `<think>`."""

    has_thinking = True

    def _start(self, last: Message | None) -> None:
        if thinks(self._think, default=False) and not goes_on(last):
            self._state = self._opening

    def _opening(self) -> bool:
        self._skip_space()
        if THINK.startswith(self._buffer) and self._buffer != THINK and not self._done:
            return False
        self._state = self._opened if self._buffer.startswith(THINK) else self._content
        self._rest(self._buffer.removeprefix(THINK))
        return True

    def _opened(self) -> bool:
        """Behind `<think>`; a second one directly behind it does not count."""
        if THINK.startswith(self._buffer) and self._buffer != THINK:
            return False
        self._rest(self._buffer.removeprefix(THINK))
        self._state = self._gap(self._thinking)
        return True

    def _thinking(self) -> bool:
        if self._has(THINK_END):
            self._write_thinking(self._cut(THINK_END).rstrip(WHITE_SPACE))
            self._state = self._gap(self._content)
            return True
        return self._write_settled(self._write_thinking, (THINK_END,))


class _BadCallError(ValueError):
    """Text that is not a list of calls."""


def read_calls(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Calls such as `[f(k="v"), g()]`. Raises `ValueError`."""
    text = text.strip(WHITE_SPACE).removeprefix(_CALLS).strip(WHITE_SPACE)
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    calls: list[tuple[str, Mapping[str, Any]]] = []
    position = 0
    while position < len(text):
        name, position, end = _name(text, position)
        if not name:
            break
        calls.append((name, dict(_arguments(text[position:end]))))
        position = end + 1
    if not calls:
        raise _BadCallError
    return calls


def _name(text: str, position: int) -> tuple[str, int, int]:
    """A call's name, where its arguments start and end; an empty name behind the last one."""
    rest = text[position:].lstrip(WHITE_SPACE)
    rest = rest.removeprefix(",").lstrip(WHITE_SPACE)
    if not rest:
        return "", position, position
    start = text.find("(", len(text) - len(rest))
    name = text[len(text) - len(rest) : start].strip(WHITE_SPACE)
    if start < 0 or not name:
        raise _BadCallError
    depth = 1
    for match in _PAREN.finditer(text, start + 1):
        depth += (match[0] == "(") - (match[0] == ")")
        if depth == 0:
            return name, start + 1, match.start()
    raise _BadCallError


def _arguments(text: str) -> Iterator[tuple[str, Any]]:
    position = 0
    while True:
        while position < len(text) and text[position] in _SEPARATORS:
            position += 1
        if position >= len(text):
            return
        equals = text.find("=", position)
        name = text[position : max(equals, 0)]
        if not name.strip(WHITE_SPACE) or "," in name:
            raise _BadCallError
        start = equals + 1
        while start < len(text) and text[start] in WHITE_SPACE:
            start += 1
        if start >= len(text):
            raise _BadCallError
        value, position = _value(text, start)
        yield name.strip(WHITE_SPACE), value


def _value(text: str, start: int) -> tuple[Any, int]:
    """A value and where it ends. Strings are not unescaped."""
    if text[start] in "'\"":
        match = _QUOTED.match(text, start)
        if match is None:
            raise _BadCallError
        return match[0][1:-1], match.end()
    depths = dict.fromkeys(_PAIRS.values(), 0)
    end = len(text)
    for match in _LITERAL_MARK.finditer(text, start):
        mark = match[0]
        if mark in depths:
            depths[mark] += 1
        elif mark in _PAIRS:
            depths[_PAIRS[mark]] = max(0, depths[_PAIRS[mark]] - 1)
        elif mark == "," and not any(depths.values()):
            end = match.start()
            break
    return _literal(text[start:end].strip(WHITE_SPACE)), end


def _literal(text: str) -> Any:
    """A literal; text that is none is a string."""
    if text in WORDS:
        return WORDS[text]
    found = number(text)
    if found is not None:
        return found
    if text.startswith(("[", "{")):
        for form in (text, _PYTHON_TOKEN.sub(_as_json, text)):
            try:
                return sorted_inside(decode(form))
            except BadJson:
                continue
    return text


def _as_json(match: re.Match[str]) -> str:
    """A Python string or word as JSON."""
    token = match[0]
    if token[0] == "'":
        inner = _IN_QUOTES.sub(lambda part: '\\"' if part[0] == '"' else part[0], token[1:-1])
        return f'"{inner}"'
    return _JSON_WORDS.get(token, token)
