"""gpt-oss, in the harmony format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ollamars.prompts.harmony import HarmonyReader, Header, MessageEnd, opening
from ollamars.prompts.harmony_names import HarmonyNames
from ollamars.prompts.messages import Message
from ollamars.prompts.parsers.calls import BadJson, decode_arguments
from ollamars.prompts.parsers.stream import StreamParser, ToolCallError


class HarmonyParser(StreamParser):
    """Analysis is thinking; what has a recipient is a call, read at the end of the stream."""

    has_thinking = True

    def _start(self, last: Message | None) -> None:
        self._names = HarmonyNames()
        self.tools = [
            replace(tool, name=self._names.add(tool.name)) if tool.name else tool
            for tool in self.tools
        ]
        self._reader = HarmonyReader(opening(last))
        self._recipient: str | None = None
        self._call_parts: list[str] = []
        self._sink: Callable[[str], None] = self._write

    def _content(self) -> bool:
        for event in self._reader.add(self._take()):
            if isinstance(event, str):
                self._sink(event)
            elif isinstance(event, Header):
                self._sink = self._sink_of(event)
            elif isinstance(event, MessageEnd):
                self._sink = self._write
        if self._done and self._recipient is not None:
            self._read_call(self._recipient, "".join(self._call_parts))
            self._recipient = None
        return False

    def _sink_of(self, header: Header) -> Callable[[str], None]:
        """Where the text of a message goes."""
        if header.recipient and header.channel in ("analysis", "commentary"):
            self._recipient = header.recipient
            return self._call_parts.append
        return self._write_thinking if header.channel == "analysis" else self._write

    def _read_call(self, recipient: str, text: str) -> None:
        name = self._names.given(recipient.removeprefix("functions."))
        try:
            self._write_call(name, decode_arguments(text))
        except BadJson as error:
            message = f"error parsing tool call: raw='{text}', err={error}"
            raise ToolCallError(message) from None
