"""`POST /api/chat`: the next message of a conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from quart import Blueprint, Response

from ollamars.prompts.chat import Prompt
from ollamars.prompts.messages import Message, ToolCall, tools_from_json
from ollamars.server import fields
from ollamars.server.asgi import current_request
from ollamars.server.body import RawJson, named, read_body
from ollamars.server.calls import ChatCall, Nothing, Rendered
from ollamars.server.chat import start_chat
from ollamars.server.context import current_context
from ollamars.server.dialects.ollama.answers import tool_call_json
from ollamars.server.inference import Answer, Job, metrics, whole_answer
from ollamars.server.logprobs import logprobs_json
from ollamars.server.responses import json_response, ndjson_line
from ollamars.server.streaming import stream_lines
from ollamars.server.times import now

blueprint = Blueprint("chat", __name__)


@dataclass(frozen=True, slots=True)
class ToolCallFunction:
    """What a former answer called."""

    index: int = 0
    name: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallOfTool:
    """A call in a former answer."""

    id: str = ""
    function: ToolCallFunction = field(default_factory=ToolCallFunction)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message of the body."""

    decodes_itself: ClassVar[bool] = True

    role: str = ""
    content: str = ""
    thinking: str = ""
    images: list[fields.Image] | None = None
    tool_calls: list[CallOfTool] | None = None
    tool_name: str = ""
    tool_call_id: str = ""

    def as_prompt_message(self) -> Message:
        """The message as templates take it."""
        return Message(
            role=self.role.lower(),
            content=self.content,
            thinking=self.thinking,
            images=tuple(self.images or ()),
            tool_calls=tuple(
                ToolCall(call.function.name, call.function.arguments, call.function.index, call.id)
                for call in self.tool_calls or ()
            ),
            tool_name=self.tool_name,
            tool_call_id=self.tool_call_id,
        )


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The body."""

    model: str = ""
    messages: list[ChatMessage] | None = None
    stream: bool = True
    format: RawJson | None = None
    keep_alive: fields.KeepAlive | None = None
    tools: list[Any] | None = None
    options: dict[str, Any] | None = None
    think: fields.Think | None = None
    truncate: bool = True
    shift: bool | None = None
    debug: bool = named("_debug_render_only", default=False)
    logprobs: bool = False
    top_logprobs: int = 0

    def call(self) -> ChatCall:
        """What is asked for. Raises `BadRequest` for a tool that cannot be read."""
        return ChatCall(
            model=self.model,
            messages=[message.as_prompt_message() for message in self.messages or ()],
            tools=tools_from_json(self.tools),
            options=self.options,
            format=self.format,
            keep_alive=self.keep_alive,
            think=self.think,
            truncate=self.truncate,
            shift=self.shift,
            debug=self.debug,
            logprobs=self.logprobs,
            top_logprobs=self.top_logprobs,
        )


@blueprint.route("/api/chat", methods=["POST"])
async def chat() -> Response:
    """A stream of chunks, or with `stream: false` one object. No messages: load, or unload."""
    request = await read_body(ChatRequest)
    outcome = await start_chat(current_context(), request.call(), current_request().on_end)
    if isinstance(outcome, Nothing):
        return json_response(_without_text(request, outcome.reason))
    if isinstance(outcome, Rendered):
        return json_response(_debug(request, outcome.prompt))
    writer = _Writer(request, outcome.job)
    if request.stream:
        return await stream_lines(outcome.pieces, writer.line)
    return json_response(writer.whole(await whole_answer(outcome.pieces)))


def _message(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}


def _without_text(request: ChatRequest, reason: str) -> dict[str, Any]:
    return {
        "model": request.model,
        "created_at": now(),
        "message": _message("assistant", ""),
        "done": True,
        "done_reason": reason,
    }


def _debug(request: ChatRequest, prompt: Prompt) -> dict[str, Any]:
    info: dict[str, Any] = {"rendered_template": prompt.text}
    if prompt.media:
        info["image_count"] = len(prompt.media)
    return {
        "model": request.model,
        "created_at": now(),
        "message": _message("", ""),
        "done": False,
        "_debug_info": info,
    }


class _Writer:
    """Turns the pieces of an answer into objects of this API."""

    def __init__(self, request: ChatRequest, job: Job) -> None:
        self._request = request
        self._job = job

    def line(self, piece: Answer) -> bytes:
        """A line of the stream."""
        return ndjson_line(self.whole(piece))

    def whole(self, piece: Answer) -> dict[str, Any]:
        """An object."""
        message = _message("assistant", piece.parts.content)
        if piece.parts.thinking:
            message["thinking"] = piece.parts.thinking
        if piece.parts.calls:
            message["tool_calls"] = [tool_call_json(call) for call in piece.parts.calls]
        value: dict[str, Any] = {
            "model": self._request.model,
            "created_at": now(),
            "message": message,
            "done": piece.last is not None,
        }
        if piece.tokens:
            value["logprobs"] = logprobs_json(piece.tokens, top=self._request.top_logprobs > 0)
        if piece.last is not None:
            value["done_reason"] = piece.last.done
            value |= metrics(self._job, piece.last)
        return value
