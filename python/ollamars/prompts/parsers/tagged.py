"""Parsers of `<think>..</think>` and `<tool_call>..</tool_call>`."""

from __future__ import annotations

from ollamars.prompts.parsers.stream import CALL, CALL_END, THINK, THINK_END, StreamParser
from ollamars.prompts.text import WHITE_SPACE


class TaggedParser(StreamParser):
    """Thinking, content and calls between tags; what a call is, subclasses say."""

    call_ends_thinking: bool = True
    """Does a call also end thinking that was not closed?"""
    closing_wins: bool = False
    """Does `</think>` end thinking even if a call stands before it?"""
    _waits = False
    """Did a call begin in one piece with what may be the start of a tag? Then it is thinking if
    `</think>` follows, which only the end of the stream rules out."""

    def _read_call(self, text: str) -> None:
        """Read the text between the tags of a call. Raises `ToolCallError`."""
        raise NotImplementedError

    def _opening(self) -> bool:
        """At the start, where `<think>` may stand before the thinking."""
        text = self._buffer.lstrip(WHITE_SPACE)
        if text.startswith(THINK):
            self._rest(text[len(THINK) :])
            self._state = self._gap(self._thinking)
            return True
        if THINK.startswith(text):
            return False
        self._state = self._without_opening
        return True

    def _without_opening(self) -> bool:
        """The state that follows where no `<think>` stands at the start."""
        return self._thinking()

    def _thinking(self) -> bool:
        end = self._index(THINK_END)
        call = self._index(CALL) if self.call_ends_thinking else -1
        if end >= 0 and (call < 0 or end < call or self.closing_wins):
            self._write_thinking(self._cut(THINK_END).rstrip(WHITE_SPACE))
            self._state = self._gap(self._content)
            return True
        if call >= 0:
            self._waits |= self.closing_wins and self._ends_in_tag(THINK_END, CALL)
            if self._waits and not self._done:
                return False
            self._write_thinking(self._cut(CALL).rstrip(WHITE_SPACE))
            self._state = self._call
            return True
        tags = (THINK_END, CALL) if self.call_ends_thinking else (THINK_END,)
        return self._write_settled(self._write_thinking, tags)

    def _content(self) -> bool:
        if self._has(CALL):
            self._write(self._cut(CALL).rstrip(WHITE_SPACE))
            self._state = self._call
            return True
        return self._write_settled(self._write, (CALL,))

    def _call(self) -> bool:
        if not self._has(CALL_END):
            return False
        self._read_call(self._cut(CALL_END))
        self._state = self._gap(self._content)
        return True
