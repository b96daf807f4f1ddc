"""Laguna and Poolside's later layout: calls in tags, as JSON, or where they were not asked for."""

from __future__ import annotations

from typing import Final

from ollamars.prompts.messages import Message
from ollamars.prompts.parsers import laguna_calls
from ollamars.prompts.parsers.calls import BadJson, is_json
from ollamars.prompts.parsers.stream import (
    CALL,
    CALL_END,
    THINK,
    THINK_END,
    StreamParser,
    ToolCallError,
    thinks,
)
from ollamars.prompts.text import WHITE_SPACE

_USER: Final = "<user>"
_USER_END: Final = "</user>"
_TAGS: Final = (CALL, _USER, THINK)
_OBJECT_STARTS: Final = ('{"', "{\n", "{\r\n")


class PoolsideParser(StreamParser):
    """Thinking only if the request asks for it; else its text is dropped."""

    has_thinking = True
    _fresh = True
    """Does content start here, so that white space and a closing tag are dropped?"""
    _waits = False
    """Did the tag of a call come in one piece with what may be the start of `<think>`? Then the
    call is content if thinking follows, which only the end of the stream rules out."""

    def _start(self, last: Message | None) -> None:
        self._shows_thinking = thinks(self._think, default=False)
        if self._shows_thinking and not self._is_prefill(last):
            self._state = self._opening

    def _is_prefill(self, last: Message | None) -> bool:
        return False

    def _write(self, text: str) -> None:
        super()._write(text)
        self._fresh = self._fresh and not text

    def _write_thinking(self, text: str) -> None:
        if self._shows_thinking:
            super()._write_thinking(text)

    def _opening(self) -> bool:
        """At the start of thinking, where the model may write `<think>` again."""
        self._skip_space()
        if THINK.startswith(self._buffer) and self._buffer != THINK and not self._done:
            return False
        self._rest(self._buffer.removeprefix(THINK))
        self._state = self._gap(self._thinking)
        return True

    def _thinking(self) -> bool:
        for tag, state in ((THINK_END, self._gap(self._content)), (CALL, self._call)):
            if self._has(tag):
                self._write_thinking(self._cut(tag).rstrip(WHITE_SPACE))
                self._fresh = True
                self._state = state
                return True
        if self._done:
            self._write_thinking(self._take().rstrip(WHITE_SPACE))
            return False
        return self._write_settled(self._write_thinking, (THINK_END, CALL))

    def _content(self) -> bool:
        if self._fresh and not self._skip_space():
            return False
        for part in (self._think_tag, self._call_tag, self._user_tag, self._bare_call):
            going_on = part()
            if going_on is not None:
                return going_on
        if self._done:
            self._write(self._take().rstrip(WHITE_SPACE))
            return False
        return self._write_settled(self._write, (*_TAGS, *_OBJECT_STARTS) if self.tools else _TAGS)

    # Parts of the state of content: None where the buffer does not hold what they look for,
    # else whether there is more to do.

    def _think_tag(self) -> bool | None:
        """Thinking in the content, or a closing tag where content starts."""
        if self._has(THINK):
            self._write(self._cut(THINK))
            self._state = self._gap(self._thinking)
            return True
        if not self._fresh:
            return None
        if self._buffer.startswith(THINK_END):
            self._rest(self._buffer[len(THINK_END) :])
            return True
        return False if THINK_END.startswith(self._buffer) and not self._done else None

    def _call_tag(self) -> bool | None:
        if not self._has(CALL):
            return None
        self._waits = self._waits or self._ends_in_tag(THINK)
        if self._waits and not self._done:
            return False
        self._write(self._cut(CALL).rstrip(WHITE_SPACE))
        self._state = self._call
        return True

    def _user_tag(self) -> bool | None:
        """A call of a declared tool that the model writes as the user."""
        start = self._index(_USER) if self.tools else -1
        if start < 0:
            return None
        end = self._buffer.find(_USER_END, start)
        if end < 0:
            return None if self._done else self._wait_at(start)
        text = self._buffer[start + len(_USER) : end]
        if not laguna_calls.names_declared(text, self.tools):
            return None
        return self._read_at(start, text, self._buffer[end + len(_USER_END) :])

    def _bare_call(self) -> bool | None:
        """A call as a JSON object without tags. Text that turns out to be none is content."""
        start = self._buffer.find("{") if self.tools else -1
        text = self._buffer[start:].rstrip(WHITE_SPACE)
        if start < 0 or not self._may_be_call(text):
            return None
        if text.endswith("}") and is_json(text):
            return self._read_at(start, text, "")
        return None if self._done else self._wait_at(start)

    def _wait_at(self, start: int) -> bool:
        """Wait for the rest of what may be a call; the text before it is certain."""
        size = len(self._buffer[:start].rstrip(WHITE_SPACE))
        self._write(self._buffer[:size])
        self._rest(self._buffer[size:])
        return False

    def _read_at(self, start: int, text: str, rest: str) -> bool | None:
        """Read a call without its own tags, which stands at `start`; None if it is none."""
        try:
            name, arguments = laguna_calls.read(text, self.tools)
        except BadJson:
            return None
        self._write(self._buffer[:start].rstrip(WHITE_SPACE))
        self._write_call(name, arguments)
        self._behind_call(rest)
        return True

    def _may_be_call(self, text: str) -> bool:
        if '"name"' in text or '"arguments"' in text:
            return True
        return not self._done and text.startswith(_OBJECT_STARTS)

    def _behind_call(self, rest: str) -> None:
        self._rest(rest)
        self._fresh, self._waits = True, False
        self._state = self._gap(self._content)

    def _call(self) -> bool:
        if not self._has(CALL_END) and not (self._done and self._buffer.strip(WHITE_SPACE)):
            return False
        text = self._cut(CALL_END) if self._has(CALL_END) else self._take()
        try:
            self._write_call(*laguna_calls.read(text, self.tools))
        except BadJson as error:
            raise ToolCallError(str(error)) from None
        self._behind_call(self._buffer)
        return True


class LagunaParser(PoolsideParser):
    """As Poolside's, but a trailing assistant message is gone on with, not behind thinking."""

    def _is_prefill(self, last: Message | None) -> bool:
        return last is not None and last.role == "assistant"
