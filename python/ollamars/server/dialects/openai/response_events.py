"""From the pieces of an answer to the events of a streamed response."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.parsers import arguments_json
from ollamars.server.dialects.openai.response_object import (
    Item,
    ResponseObject,
    call_item,
    message_item,
    reasoning_item,
    text_part,
    usage_of,
)
from ollamars.server.dialects.openai.sse import named_event
from ollamars.server.inference import Answer

Event = dict[str, Any]


class Events:
    """Turns the pieces of an answer into events. At most one item of the output is open."""

    def __init__(
        self, response: ResponseObject, *, new_id: Callable[[str], str], clock: Callable[[], int]
    ) -> None:
        """`new_id` makes an id with a prefix; `clock` tells the seconds since 1970."""
        self._response = response
        self._new_id = new_id
        self._clock = clock
        self._number = 0
        self._begun = False
        self._output: list[Item] = []
        self._open: _Text | None = None

    def events(self, piece: Answer) -> bytes:
        """The events of a piece."""
        return b"".join(map(self._encoded, self.of(piece)))

    def failed(self, message: str) -> bytes:
        """The last event of an answer that fails."""
        error = {"code": "server_error", "message": message}
        response = self._response.at("failed", self._output, error=error)
        return self._encoded({"type": "response.failed", "response": response})

    def _encoded(self, event: Event) -> bytes:
        number, self._number = self._number, self._number + 1
        return named_event(event | {"sequence_number": number})

    def of(self, piece: Answer) -> Iterator[Event]:
        """The events of a piece, without their numbers."""
        if not self._begun:
            self._begun = True
            for state in ("created", "in_progress"):
                yield {"type": f"response.{state}", "response": self._response.at("in_progress")}
        if piece.parts.thinking:
            yield from self._say(_Reasoning, piece.parts.thinking)
        if piece.parts.content:
            yield from self._say(_Message, piece.parts.content)
        for call in piece.parts.calls:
            yield from self._close()
            yield from self._call(call)
        if piece.last:
            yield from self._close()
            yield self._completed(piece)

    def _say(self, kind: type[_Text], text: str) -> Iterator[Event]:
        if type(self._open) is not kind:
            yield from self._close()
            self._open = kind(self._new_id(kind.prefix), len(self._output))
            yield from self._open.begin()
        yield self._open.more(text)

    def _close(self) -> Iterator[Event]:
        if self._open is not None:
            yield from self._open.end()
            self._output.append(self._open.item())
            self._open = None

    def _call(self, call: ToolCall) -> Iterator[Event]:
        """The events of a call: its arguments come at once."""
        arguments = arguments_json(call)
        id, index = self._new_id("fc"), len(self._output)
        place = {"item_id": id, "output_index": index}
        yield _added(index, call_item(id, "in_progress", call, ""))
        kind = "response.function_call_arguments"
        yield {"type": f"{kind}.delta", **place, "delta": arguments}
        yield {"type": f"{kind}.done", **place, "arguments": arguments}
        self._output.append(call_item(id, "completed", call, arguments))
        yield _done(index, self._output[-1])

    def _completed(self, piece: Answer) -> Event:
        """The end; a request that only loads the model has no output at all, not an empty one."""
        loaded = piece.last is not None and piece.last.done == "load"
        response = self._response.at(
            "completed",
            None if loaded else self._output,
            completed=self._clock(),
            usage=usage_of(piece),
        )
        return {"type": "response.completed", "response": response}


def _added(index: int, item: Item) -> Event:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def _done(index: int, item: Item) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


class _Text(ABC):
    """An item of text that grows."""

    prefix = ""
    """Begins the ids of such items."""

    def __init__(self, id: str, index: int) -> None:
        self.id = id
        self.index = index
        self.text = ""

    @abstractmethod
    def item(self) -> Item:
        """The item when it is complete."""

    @abstractmethod
    def begin(self) -> Iterator[Event]:
        """The events before the first text."""

    @abstractmethod
    def more(self, text: str) -> Event:
        """The event of more text."""

    @abstractmethod
    def end(self) -> Iterator[Event]:
        """The events behind the last text."""


class _Reasoning(_Text):
    prefix = "rs"

    def item(self) -> Item:
        return reasoning_item(self.id, self.text)

    def begin(self) -> Iterator[Event]:
        yield _added(self.index, {"id": self.id, "type": "reasoning", "summary": []})

    def more(self, text: str) -> Event:
        self.text += text
        return self._event("delta", {"delta": text})

    def end(self) -> Iterator[Event]:
        yield self._event("done", {"text": self.text})
        yield _done(self.index, self.item())

    def _event(self, kind: str, values: dict[str, Any]) -> Event:
        place = {"item_id": self.id, "output_index": self.index, "summary_index": 0}
        return {"type": f"response.reasoning_summary_text.{kind}", **place, **values}


class _Message(_Text):
    prefix = "msg"

    def item(self) -> Item:
        return message_item(self.id, "completed", [text_part(self.text)])

    def begin(self) -> Iterator[Event]:
        yield _added(self.index, message_item(self.id, "in_progress", []))
        yield self._event("content_part.added", {"part": text_part("")})

    def more(self, text: str) -> Event:
        self.text += text
        return self._event("output_text.delta", {"delta": text, "logprobs": []})

    def end(self) -> Iterator[Event]:
        yield self._event("output_text.done", {"text": self.text, "logprobs": []})
        yield self._event("content_part.done", {"part": text_part(self.text)})
        yield _done(self.index, self.item())

    def _event(self, kind: str, values: dict[str, Any]) -> Event:
        place = {"item_id": self.id, "output_index": self.index, "content_index": 0}
        return {"type": f"response.{kind}", **place, **values}
