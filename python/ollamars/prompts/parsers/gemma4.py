"""Gemma 4: thought channels, and calls in its own notation."""

from __future__ import annotations

from typing import Final

from ollamars.prompts.messages import Message
from ollamars.prompts.parsers import gemma4_arguments
from ollamars.prompts.parsers.calls import BadJson
from ollamars.prompts.parsers.coerce import declared
from ollamars.prompts.parsers.stream import StreamParser, thinks
from ollamars.prompts.text import WHITE_SPACE

_CHANNEL: Final = "<|channel>"
_CHANNEL_END: Final = "<channel|>"
_CALL: Final = "<|tool_call>"
_CALL_END: Final = "<tool_call|>"
_RESPONSE: Final = "<|tool_response>"
_CHANNEL_NAME: Final = "thought\n"


class Gemma4NoThinkingParser(StreamParser):
    """Text of thought channels is dropped."""

    _shows_thinking = False

    def _write_thinking(self, text: str) -> None:
        if self._shows_thinking:
            super()._write_thinking(text)

    def _content(self) -> bool:
        for tag, state in ((_CHANNEL, self._channel_name), (_CALL, self._call)):
            if self._has(tag):
                self._write(self._cut(tag).rstrip(WHITE_SPACE))
                self._state = state
                return True
        if self._done:
            self._write(self._take())
            return False
        return self._write_settled(self._write, (_CHANNEL, _CALL))

    def _channel_name(self) -> bool:
        if _CHANNEL_NAME.startswith(self._buffer) and self._buffer != _CHANNEL_NAME:
            if not self._done:
                return False
        else:
            self._rest(self._buffer.removeprefix(_CHANNEL_NAME))
        self._state = self._thinking
        return True

    def _thinking(self) -> bool:
        if self._has(_CHANNEL_END):
            self._write_thinking(self._cut(_CHANNEL_END).rstrip(WHITE_SPACE))
            self._state = self._gap(self._content)
            return True
        if self._done:
            self._write_thinking(self._take())
            return False
        return self._write_settled(self._write_thinking, (_CHANNEL_END,))

    def _call(self) -> bool:
        if self._has(_CALL_END):
            self._read_call(self._cut(_CALL_END))
            self._state = self._behind_call
            return True
        if self._done and self._buffer:
            self._read_call(self._take())
        return False

    def _behind_call(self) -> bool:
        """Drop tags that may follow a call."""
        if not self._skip_space():
            return False
        for tag in (_CALL_END, _RESPONSE):
            if self._buffer.startswith(tag):
                self._rest(self._buffer[len(tag) :])
                return True
            if tag.startswith(self._buffer):
                return False
        self._state = self._content
        return True

    def _read_call(self, text: str) -> None:
        """Read a call; one that cannot be repaired is dropped."""
        start = text.find("{")
        if not text.startswith("call:") or start < 0:
            return
        name = text[len("call:") : start].strip(WHITE_SPACE)
        try:
            arguments = gemma4_arguments.read(text[start:], declared(self.tools, name))
        except BadJson:
            return
        self._write_call(name, arguments)


class Gemma4Parser(Gemma4NoThinkingParser):
    """Text of thought channels is thinking, if the request asks for it."""

    has_thinking = True

    def _start(self, last: Message | None) -> None:
        self._shows_thinking = thinks(self._think, default=False)
        if self._shows_thinking and last is not None and last.role == "tool":
            self._state = self._thinking
