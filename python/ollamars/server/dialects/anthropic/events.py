"""From the pieces of an answer to the events of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.parsers import client_arguments
from ollamars.server.dialects.anthropic.message import (
    message_head,
    search_blocks,
    stop_reason,
    tool_use,
    usage,
    web_search_call,
)
from ollamars.server.inference import Answer
from ollamars.store import gojson

Event = dict[str, Any]
"""The data of an event, which is named after its `type`."""


def event_line(event: Event) -> bytes:
    """An event as it is sent."""
    return f"event: {event['type']}\ndata: ".encode() + gojson.dumps(event) + b"\n\n"


class MessageEvents:
    """The events of one answer: a block for thinking, for text and for each call of a tool."""

    def __init__(
        self,
        id: str,
        model: str,
        *,
        estimate: int,
        late_calls: bool = False,
        searches: bool = False,
    ) -> None:
        """`estimate`: tokens of the prompt, as long as nothing better is known.

        `late_calls`: Ollama sends the calls of this model with the end of the answer, so that a
        stream that begins with one tells the counted tokens. `searches`: the request asks for the
        server's own web search.
        """
        self._id = id
        self._model = model
        self._estimate = estimate
        self._late_calls = late_calls
        self._searches = searches
        self._started = False
        self._index = 0
        self._open = ""
        """The type of the block that is open."""
        self._has_calls = False
        self._search: ToolCall | None = None

    def lines(self, piece: Answer) -> bytes:
        """What a piece of the answer sends."""
        return b"".join(map(event_line, self.add(piece)))

    def add(self, piece: Answer) -> Iterator[Event]:
        """The events of a piece of the answer."""
        if self._searches and self._search is None:
            self._search = web_search_call(piece.parts.calls)
        if not self._started:
            self._started = True
            yield self._start(piece)
        if self._search is None:
            yield from self._say(piece)
        if piece.last is not None:
            yield from self._finish(piece)

    def _start(self, piece: Answer) -> Event:
        counted = piece.last is not None or (self._late_calls and piece.parts.calls)
        tokens = (piece.prompt_tokens if counted else 0) or self._estimate
        head = message_head(self._id, self._model, [])
        head["usage"] = {"input_tokens": tokens, "output_tokens": 0}
        return {"type": "message_start", "message": head}

    def _say(self, piece: Answer) -> Iterator[Event]:
        for kind, text in (("thinking", piece.parts.thinking), ("text", piece.parts.content)):
            if text:
                yield from self._in_block(kind)
                yield self._delta({"type": f"{kind}_delta", kind: text})
        for call in piece.parts.calls:
            yield from self._close()
            yield from self._call(call)

    def _in_block(self, kind: str) -> Iterator[Event]:
        if self._open != kind:
            yield from self._close()
            yield self._begin({"type": kind, kind: ""})
            self._open = kind

    def _call(self, call: ToolCall) -> Iterator[Event]:
        """A call: its arguments come as one piece of JSON."""
        self._has_calls = True
        yield self._begin(tool_use(call) | {"input": {}})
        arguments = gojson.dumps(client_arguments(call) or {}).decode()
        yield self._delta({"type": "input_json_delta", "partial_json": arguments})
        yield self._end_block()

    def _finish(self, piece: Answer) -> Iterator[Event]:
        yield from self._close()
        if self._search is not None:
            yield from self._whole(search_blocks(self._id, self._search))
        reason = "end_turn" if self._search else stop_reason(piece, has_calls=self._has_calls)
        yield {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage(piece)}
        yield {"type": "message_stop"}

    def _whole(self, blocks: Sequence[dict[str, Any]]) -> Iterator[Event]:
        for block in blocks:
            yield self._begin(block)
            yield self._end_block()

    def _close(self) -> Iterator[Event]:
        if self._open:
            yield self._end_block()
            self._open = ""

    def _begin(self, block: dict[str, Any]) -> Event:
        return {"type": "content_block_start", "index": self._index, "content_block": block}

    def _delta(self, delta: dict[str, Any]) -> Event:
        return {"type": "content_block_delta", "index": self._index, "delta": delta}

    def _end_block(self) -> Event:
        event = {"type": "content_block_stop", "index": self._index}
        self._index += 1
        return event
