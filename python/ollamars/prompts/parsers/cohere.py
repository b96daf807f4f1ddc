"""Cohere's Command A and North models: blocks of thinking, text and actions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from ollamars.prompts.messages import Message
from ollamars.prompts.parsers import calls
from ollamars.prompts.parsers.stream import State, StreamParser, goes_on, thinks
from ollamars.prompts.text import WHITE_SPACE

_THINKING_END: Final = "<|END_THINKING|>"
_ACTION: Final = "<|START_ACTION|>"
_OPENINGS: Final = ("<|START_TEXT|>", "<|START_RESPONSE|>", _ACTION)
_ACTION_END: Final = "<|END_ACTION|>"
_TURN_END: Final = "<|END_OF_TURN_TOKEN|>"
_TEXT_ENDS: Final = ("<|END_TEXT|>", "<|END_RESPONSE|>", _TURN_END)
_MARK: Final = re.compile(r'"(?:\\.|[^"\\])*+(?:"|\\?\Z)|[{}]', re.DOTALL)
_CALL: Final[dict[str, type]] = {"tool_call_id": str, "tool_name": str, "parameters": dict}


class CohereParser(StreamParser):
    """Thinking is on unless the request says no."""

    has_thinking = True
    _waited = False
    """Is the start of the buffer what may have become a tag?"""

    def _start(self, last: Message | None) -> None:
        if not goes_on(last):
            on = thinks(self._think, default=True)
            self._state = self._thinking if on else self._between

    def _thinking(self) -> bool:
        if self._has(_THINKING_END):
            self._write_thinking(self._cut(_THINKING_END).rstrip(WHITE_SPACE))
            self._state = self._between
            return True
        return self._write_settled(self._write_thinking, (_THINKING_END,))

    def _between(self) -> bool:
        """Between blocks. Text that opens none is content; before a tag that does, it goes."""
        for tag in _OPENINGS:
            if self._has(tag) and (not self._waited or self._buffer.startswith(tag)):
                self._cut(tag)
                return self._go_to(self._action if tag == _ACTION else self._content)
        if not self._skip_space():
            return False
        if self._buffer.startswith(_TURN_END):
            self._cut(_TURN_END)
            return self._go_to(self._between)
        if not self._done and any(tag.startswith(self._buffer) for tag in (*_OPENINGS, _TURN_END)):
            self._waited = True
            return False
        return self._go_to(self._content)

    def _go_to(self, state: State) -> bool:
        self._waited = False
        self._state = state
        return True

    def _content(self) -> bool:
        for tag in _TEXT_ENDS:
            if self._has(tag):
                self._write(self._cut(tag))
                self._state = self._between
                return True
        if self._done:
            self._write(self._take())
            return False
        return self._write_settled(self._write, _TEXT_ENDS, space=False)

    def _action(self) -> bool:
        if self._has(_ACTION_END):
            self._read_calls(self._cut(_ACTION_END))
            self._state = self._between
            return True
        if self._done:
            self._read_calls(self._take())
        return False

    def _read_calls(self, text: str) -> None:
        """Read a list of calls. One that cannot be read, or has no name, is dropped."""
        try:
            items = calls.decode(text)
            found = [calls.struct(item, _CALL) for item in items or ()]
        except (calls.BadJson, TypeError):
            found = list(_whole_objects(text))
        for call in found:
            if call.get("tool_name"):
                arguments = call.get("parameters", {})
                self._write_call(call["tool_name"], arguments, call.get("tool_call_id", ""))


def _whole_objects(text: str) -> Iterator[dict[str, Any]]:
    """The calls among the objects of a damaged list."""
    depth = start = 0
    for match in _MARK.finditer(text):
        if match[0] == "{":
            start = match.start() if depth == 0 else start
            depth += 1
        elif match[0] == "}" and depth:
            depth -= 1
            if depth == 0:
                with suppress(calls.BadJson):
                    yield calls.struct(calls.decode(text[start : match.end()]), _CALL)
