"""Ministral: `[TOOL_CALLS]NAME[ARGS]{json}` and `[THINK]..[/THINK]`."""

from __future__ import annotations

import re
from typing import Final

from ollamars.prompts.parsers.calls import BadJson, decode_arguments
from ollamars.prompts.parsers.coerce import declared
from ollamars.prompts.parsers.stream import ParserOutput, StreamParser, ToolCallError
from ollamars.prompts.text import WHITE_SPACE

_CALL: Final = "[TOOL_CALLS]"
_ARGUMENTS: Final = "[ARGS]"
_THINK: Final = "[THINK]"
_THINK_END: Final = "[/THINK]"
_MARK: Final = re.compile(r'["{}\[\]]')
_STRING_MARK: Final = re.compile(r'\\.?|"', re.DOTALL)


class JsonEnd:
    """Finds where an object or a list ends in text that comes in pieces."""

    def __init__(self) -> None:
        self._position = 0
        self._depth = 0
        self._in_string = False

    def find(self, text: str) -> int:
        """Index behind the end; -1 if it has not come. `text` grows from call to call."""
        while True:
            pattern = _STRING_MARK if self._in_string else _MARK
            match = pattern.search(text, self._position)
            if match is None:
                self._position = len(text)
                return -1
            mark = match[0]
            if mark == "\\":  # what it escapes has not come
                self._position = match.start()
                return -1
            self._position = match.end()
            if mark == '"':
                self._in_string = not self._in_string
            elif mark in "{[":
                self._depth += 1
            elif mark in "}]":
                self._depth -= 1
                if self._depth == 0:
                    return match.end()


class MinistralParser(StreamParser):
    """Thinking is read although the model does not claim to know it."""

    kept_on_error = frozenset(ParserOutput._fields)
    _name = ""
    _end = JsonEnd()

    def _content(self) -> bool:
        for tag, state in ((_CALL, self._call_name), (_THINK, self._thinking)):
            if self._has(tag):
                self._write(self._cut(tag).rstrip(WHITE_SPACE))
                self._state = state
                return True
        return self._write_settled(self._write, (_CALL, _THINK))

    def _thinking(self) -> bool:
        if self._has(_THINK_END):
            self._write_thinking(self._cut(_THINK_END))
            self._rest(self._buffer.lstrip(WHITE_SPACE))
            self._state = self._content
            return True
        return self._write_settled(self._write_thinking, (_THINK_END,), space=False)

    def _call_name(self) -> bool:
        if not self._has(_ARGUMENTS):
            return False
        self._name = self._cut(_ARGUMENTS)
        self._end = JsonEnd()
        self._state = self._call_arguments
        return True

    def _call_arguments(self) -> bool:
        end = self._end.find(self._buffer)
        if end < 0:
            return False
        text = self._buffer[:end]
        self._rest(self._buffer[end:])
        self._state = self._content
        if declared(self.tools, self._name) is None:
            raise ToolCallError(f"tool '{self._name}' not found")
        try:
            self._write_call(self._name, decode_arguments(text))
        except BadJson as error:
            raise ToolCallError(str(error)) from None
        return True
