"""Muse Glimmer: messages to the model itself, to the user, and to tools."""

from __future__ import annotations

from typing import Final

from ollamars.prompts.messages import Message, Tool
from ollamars.prompts.parsers import glimmer_calls
from ollamars.prompts.parsers.glimmer_calls import BLOCK, BLOCK_END, BadCall
from ollamars.prompts.parsers.stream import (
    ParserOutput,
    StreamParser,
    ToolCallError,
    Write,
    settled,
    thinks,
)
from ollamars.prompts.text import WHITE_SPACE
from ollamars.store.gotext import quote

_START: Final = "<|start|>"
_ROLE: Final = "assistant"
_ASSISTANT: Final = _START + _ROLE
_MESSAGE: Final = "<|message|>"
_ENDS: Final = ("<|eom|>", "<|eot|>")
_RECIPIENT: Final = " to="
_SPACES: Final = " \t\r\n"


class GlimmerParser(StreamParser):
    """Thinking is shown unless the request says no."""

    has_thinking = True
    kept_on_error = frozenset(ParserOutput._fields)
    _recipient = ""
    _written = False
    """Has some of the current message been written as content?"""

    def _start(self, last: Message | None) -> None:
        self._named = {tool.name.strip(WHITE_SPACE): tool for tool in self.tools}
        self._named.pop("", None)
        self._state = self._header

    def _tool(self, name: str) -> Tool | None:
        return self._named.get(glimmer_calls.resolve(name, self._named))

    def _header(self) -> bool:
        if self._buffer.startswith(_ASSISTANT):
            self._rest(self._buffer[len(_ASSISTANT) :])
        elif self._buffer and _ASSISTANT.startswith(self._buffer) and not self._done:
            return False
        if not self._has(_MESSAGE):
            if self._done:
                self._write(self._take())
            return False
        header = self._cut(_MESSAGE).strip(WHITE_SPACE)
        self._recipient = header.removeprefix("to=").strip(WHITE_SPACE)
        self._written = False
        if self._recipient == "self":
            self._state = self._thinking
        else:
            self._state = self._call if self._tool(self._recipient) else self._content
        return True

    def _thinking(self) -> bool:
        shown = thinks(self._think, default=True)
        return self._body(self._write_thinking if shown else _drop, 0)

    def _content(self) -> bool:
        text = self._buffer.lstrip(_SPACES)
        may_be_call = BLOCK.startswith(text) or text.startswith(BLOCK)
        if self._written or not self.tools or not may_be_call:
            return self._body(self._write_content, 0)
        return self._held_body(self._write_call_or_content)

    def _call(self) -> bool:
        return self._held_body(self._read_call)

    def _write_content(self, text: str) -> None:
        self._write(text)
        self._written = self._written or bool(text)

    # The body of a message.

    def _held_body(self, write: Write) -> bool:
        """Give the body as a whole. Tags in a block of calls are text."""
        block_end = self._index(BLOCK_END)
        if block_end < 0 and not self._done:
            return False
        start = block_end + len(BLOCK_END) if block_end >= 0 else len(self._buffer)
        return self._body(write, start, held=True)

    def _body(self, write: Write, start: int, *, held: bool = False) -> bool:
        """Give the body up to what ends it behind `start`; if it is not `held`, what is certain."""
        end, size = self._end(start)
        header, pending = self._next_header(start)
        if header >= 0 and not pending and (end < 0 or header < end):
            end, size = header, 0
        if end >= 0 or self._done:
            body = self._buffer if end < 0 else self._buffer[:end]
            self._rest("" if end < 0 else self._buffer[end + size :])
            self._state = self._header
            write(body)
            return bool(self._buffer)
        if not held:
            certain = header if pending else settled(self._buffer, _ENDS)
            write(self._buffer[:certain])
            self._rest(self._buffer[certain:])
        return False

    def _end(self, start: int) -> tuple[int, int]:
        """Where the first mark of an end stands, and its length; -1 if there is none."""
        found = ((self._buffer.find(mark, start), len(mark)) for mark in _ENDS)
        return min((item for item in found if item[0] >= 0), default=(-1, 0))

    def _next_header(self, start: int) -> tuple[int, bool]:
        """Where the header of another message starts, and whether it is still to come."""
        place = self._buffer.find(_START, start)
        while place >= 0:
            status = self._header_status(self._buffer[place + len(_START) :])
            if status is not None:
                return place, not status
            place = self._buffer.find(_START, place + len(_START))
        size = max(settled(self._buffer, (_ASSISTANT,)), start)
        return (-1, False) if self._done or size == len(self._buffer) else (size, True)

    def _header_status(self, text: str) -> bool | None:
        """Is what follows `<|start|>` the rest of a header (None: it is not; False: perhaps)?"""
        perhaps = None if self._done else False
        if not text.startswith(_ROLE):
            return perhaps if _ROLE.startswith(text) else None
        text = text[len(_ROLE) :]
        if text.startswith(_MESSAGE):
            return True
        if _MESSAGE.startswith(text) or _RECIPIENT.startswith(text):
            return perhaps
        if not text.startswith(_RECIPIENT):
            return None
        recipient, found, _ = text[len(_RECIPIENT) :].partition(_MESSAGE)
        if found:
            return True if recipient in ("self", "user") or recipient in self._named else None
        _, mark, rest = recipient.partition("<")
        if any(char in _SPACES for char in recipient) or not _MESSAGE.startswith(mark + rest):
            return None
        return perhaps

    # Calls.

    def _read_call(self, body: str) -> None:
        tool = self._tool(self._recipient)
        if tool is None:
            raise ToolCallError(f"undeclared Glimmer function {quote(self._recipient)}")
        try:
            name, arguments = glimmer_calls.read(body, tool)
        except BadCall as error:
            message = f"parse Glimmer call to {self._recipient}: {error}"
            raise ToolCallError(message) from None
        if self._tool(name) is not tool:
            names = f"{quote(self._recipient)} does not match ATEM invoke {quote(name)}"
            raise ToolCallError(f"Glimmer recipient {names}")
        self._write_call(tool.name.strip(WHITE_SPACE), arguments)

    def _write_call_or_content(self, body: str) -> None:
        """A message that is nothing but a call of a declared tool is that call."""
        tool = self._tool(glimmer_calls.invoked(body))
        try:
            if tool is None:
                raise BadCall
            _, arguments = glimmer_calls.read(body, tool)
        except BadCall:
            self._write_content(body)
        else:
            self._write_call(tool.name.strip(WHITE_SPACE), arguments)


def _drop(_text: str) -> None:
    """Thinking that is not shown."""
