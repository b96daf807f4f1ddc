"""From the pieces of an answer to a chat completion, or to the chunks of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ollamars.prompts.answer import Parts
from ollamars.prompts.chat import Prompt
from ollamars.server.dialects.openai.head import Head, usage_json
from ollamars.server.dialects.openai.sse import DONE, data_event
from ollamars.server.dialects.openai.tool_calls import tool_calls_json
from ollamars.server.inference import Answer
from ollamars.server.logprobs import logprobs_json


def completion(head: Head, answer: Answer, *, top: bool) -> dict[str, Any]:
    """A whole answer. `top`: with the likeliest tokens of each step, where it has tokens."""
    parts = answer.parts
    message: dict[str, Any] = {"role": "assistant", "content": parts.content}
    if parts.thinking:
        message["reasoning"] = parts.thinking
    if parts.calls:
        message["tool_calls"] = tool_calls_json(parts.calls)
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": _reason(answer, called=bool(parts.calls)),
        **_logprobs(answer, top),
    }
    return head.object("chat.completion", [choice]) | {"usage": usage_json(answer)}


def rendered(head: Head, prompt: Prompt) -> dict[str, Any]:
    """The prompt in place of an answer."""
    choice = {"index": 0, "message": {"role": "", "content": ""}, "finish_reason": None}
    info: dict[str, Any] = {"rendered_template": prompt.text}
    if prompt.media:
        info["image_count"] = len(prompt.media)
    answer = head.object("chat.completion", [choice])
    return answer | {"usage": usage_json(None), "_debug_info": info}


def _reason(answer: Answer, *, called: bool) -> str | None:
    reason = answer.last.done if answer.last else None
    return "tool_calls" if reason == "stop" and called else reason


def _logprobs(answer: Answer, top: bool) -> dict[str, Any]:
    if not answer.tokens:
        return {}
    return {"logprobs": {"content": logprobs_json(answer.tokens, top=top)}}


class Chunks:
    """Turns the pieces of an answer into the chunks of a stream."""

    def __init__(self, head: Head, *, usage: bool, top: bool) -> None:
        """`usage`: the stream ends with the counts of tokens. `top`: as in `completion`."""
        self._head = head
        self._usage = usage
        self._top = top
        self._begun = False
        self._called = False

    def events(self, piece: Answer) -> bytes:
        """The events of a piece."""
        events = b"".join(map(data_event, self.chunks(piece)))
        return events + DONE if piece.last else events

    def chunks(self, piece: Answer) -> Iterator[dict[str, Any]]:
        """The chunks of a piece; the end of an answer is a chunk of its own."""
        if not self._begun or piece.parts or piece.tokens:
            for part in _apart(piece):
                yield self._delta(part)
        if piece.last:
            yield self._finish(piece)
            if self._usage:
                yield self._chunk([]) | {"usage": usage_json(piece)}

    def _delta(self, piece: Answer) -> dict[str, Any]:
        parts = piece.parts
        delta: dict[str, Any] = {} if self._begun else {"role": "assistant"}
        self._begun = True
        delta["content"] = parts.content
        if parts.thinking:
            delta["reasoning"] = parts.thinking
        if parts.calls:
            self._called = True
            delta["tool_calls"] = tool_calls_json(parts.calls)
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        return self._chunk([choice | _logprobs(piece, self._top)])

    def _finish(self, piece: Answer) -> dict[str, Any]:
        reason = _reason(piece, called=self._called)
        return self._chunk([{"index": 0, "delta": {}, "finish_reason": reason}])

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return self._head.object("chat.completion.chunk", choices)


def _apart(piece: Answer) -> list[Answer]:
    """A piece cut in two where it ends thinking and begins the answer proper."""
    parts = piece.parts
    if not parts.thinking or not (parts.content or parts.calls):
        return [piece]
    return [
        replace(piece, parts=Parts(thinking=parts.thinking), last=None),
        Answer(replace(parts, thinking="")),
    ]
