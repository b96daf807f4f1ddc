"""Cogito and DeepSeek V3.1: blocks of calls and of tool outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ollamars.prompts.messages import Message
from ollamars.prompts.parsers.calls import BadJson, decode_arguments
from ollamars.prompts.parsers.stream import THINK_END, StreamParser, goes_on, thinks
from ollamars.prompts.text import WHITE_SPACE

_CALLS: Final = "<｜tool▁calls▁begin｜>"
_CALLS_END: Final = "<｜tool▁calls▁end｜>"
_CALL: Final = "<｜tool▁call▁begin｜>"
_CALL_END: Final = "<｜tool▁call▁end｜>"
_SEPARATOR: Final = "<｜tool▁sep｜>"
_OUTPUT: Final = "<｜tool▁output▁begin｜>"
_OUTPUT_END: Final = "<｜tool▁output▁end｜>"
_OUTPUTS: Final = "<｜tool▁outputs▁begin｜>"
_OUTPUTS_END: Final = "<｜tool▁outputs▁end｜>"
_JSON: Final = "\n```json\n"
_JSON_END: Final = "\n```"


class ToolBlockParser(StreamParser):
    """What the two families share: thinking when it is asked for, then content and blocks."""

    has_thinking = True
    outputs: str
    """The tag that begins tool outputs."""
    call_blocked: bool = False
    """Has a call in the block been bad? Then all up to its end is dropped."""

    def _read_call(self, text: str) -> tuple[str, Mapping[str, Any]]:
        """Name and arguments. Raises `ValueError`."""
        raise NotImplementedError

    def _outputs(self) -> bool:
        """The state of tool outputs."""
        raise NotImplementedError

    def _start(self, last: Message | None) -> None:
        if thinks(self._think, default=False) and not goes_on(last):
            self._state = self._thinking

    def _thinking(self) -> bool:
        if self._has(THINK_END):
            self._write_thinking(self._cut(THINK_END).rstrip(WHITE_SPACE))
            self._state = self._gap(self._content)
            return True
        return self._write_settled(self._write_thinking, (THINK_END,))

    def _content(self) -> bool:
        if self._has(_CALLS):
            self._write(self._cut(_CALLS).rstrip(WHITE_SPACE))
            self.call_blocked = False
            self._state = self._block
            return True
        if self._has(self.outputs):
            self._write(self._before_outputs(self._cut(self.outputs)))
            self._state = self._outputs
            return True
        if self._done:
            self._write(self._take())
            return False
        return self._write_settled(self._write, (_CALLS, self.outputs))

    def _before_outputs(self, text: str) -> str:
        return text

    def _block(self) -> bool:
        start = self._index(_CALL)
        end = self._buffer.find(_CALL_END, start) if start >= 0 and not self.call_blocked else -1
        if end >= 0:
            text = self._buffer[start + len(_CALL) : end]
            try:
                self._write_call(*self._read_call(text))
            except ValueError:
                self.call_blocked = True
            else:
                self._rest(self._buffer[end + len(_CALL_END) :].lstrip(WHITE_SPACE))
                return True
        # If another block follows, the two are one, without the text between them; only the end of
        # the stream rules that out.
        if not (self._done and self._has(_CALLS_END)):
            return False
        self._cut(_CALLS_END)
        self._state = self._gap(self._content)
        return True


class DeepSeek3Parser(ToolBlockParser):
    """Calls as `NAME<sep>{json}`; the text of tool outputs is content."""

    outputs = _OUTPUT

    def _outputs(self) -> bool:
        if not self._has(_OUTPUT_END):
            return False
        self._write(self._cut(_OUTPUT_END))
        self._state = self._content
        return True

    def _read_call(self, text: str) -> tuple[str, Mapping[str, Any]]:
        name, separator, arguments = text.partition(_SEPARATOR)
        if not separator:
            raise BadJson("no separator")
        return name.strip(WHITE_SPACE), decode_arguments(arguments.strip(WHITE_SPACE))


class CogitoParser(ToolBlockParser):
    """Calls as `function<sep>NAME` and a block of JSON; tool outputs are dropped."""

    outputs = _OUTPUTS

    def _start(self, last: Message | None) -> None:
        if not self.tools:
            super()._start(last)

    def _before_outputs(self, text: str) -> str:
        return text.rstrip(WHITE_SPACE)

    def _outputs(self) -> bool:
        start = self._index(_OUTPUT)
        end = self._buffer.find(_OUTPUT_END, start) if start >= 0 else -1
        if end >= 0:
            self._rest(self._buffer[end + len(_OUTPUT_END) :].lstrip(WHITE_SPACE))
            return True
        if not self._has(_OUTPUTS_END):
            return False
        self._cut(_OUTPUTS_END)
        self._state = self._gap(self._content)
        return True

    def _read_call(self, text: str) -> tuple[str, Mapping[str, Any]]:
        _, _, call = text.partition(_SEPARATOR)
        name, start, rest = call.partition(_JSON)
        arguments, end, _ = rest.partition(_JSON_END)
        if not (start and end):
            raise BadJson("no block of JSON")
        return name.strip(WHITE_SPACE), decode_arguments(arguments)
