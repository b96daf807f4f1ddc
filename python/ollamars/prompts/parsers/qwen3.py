"""Qwen3 and Qwen3-VL: calls as JSON objects."""

from __future__ import annotations

from typing import Final

from ollamars.prompts.messages import Message
from ollamars.prompts.parsers import calls
from ollamars.prompts.parsers.stream import ToolCallError, goes_on, thinks
from ollamars.prompts.parsers.tagged import TaggedParser

_CALL: Final[dict[str, type]] = {"name": str, "arguments": dict}
_INDEXED_CALL: Final[dict[str, type]] = {**_CALL, "index": int}


class Qwen3Parser(TaggedParser):
    """A model without thinking."""

    def _read_call(self, text: str) -> None:
        try:
            call = calls.struct(calls.decode(text), _CALL)
        except calls.BadJson as error:
            raise ToolCallError(f"failed to parse JSON: {error}") from None
        if not call.get("name"):
            raise ToolCallError("empty function name")
        self._write_call(call["name"], call.get("arguments", {}))


class Qwen3ThinkingParser(Qwen3Parser):
    """A model with thinking, by default on, with one leading `<think>` at most."""

    has_thinking = True

    def _start(self, last: Message | None) -> None:
        if thinks(self._think, default=True):
            self._state = self._opening


class Qwen3VLInstructParser(TaggedParser):
    """A model without thinking."""

    def _read_call(self, text: str) -> None:
        try:
            call = calls.struct(calls.decode(text), _INDEXED_CALL)
        except calls.BadJson as error:
            raise ToolCallError(str(error)) from None
        if call.get("name"):
            self._write_call(call["name"], call.get("arguments", {}))


class Qwen3VLThinkingParser(Qwen3VLInstructParser):
    """A model that thinks whatever the request says."""

    has_thinking = True

    def _start(self, last: Message | None) -> None:
        if not goes_on(last):
            self._state = self._thinking
