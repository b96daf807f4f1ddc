"""`POST /api/chat`: the next message of a conversation."""

from __future__ import annotations

import datetime
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from quart import Blueprint, Response

from ollamars.described import DescribedModel, prompt_renderer, tool_calls
from ollamars.errors import BadRequest
from ollamars.prompts.chat import Prompt, chat_prompt
from ollamars.prompts.jinja import begun_answer
from ollamars.prompts.jinja_calls import CallFormat
from ollamars.prompts.messages import Message, Think, Tool, ToolCall, tools_from_json
from ollamars.prompts.thinking import DEFAULT_TAGS, thinking_tags, without_old_thinking
from ollamars.runtime.engine import Event
from ollamars.server import fields
from ollamars.server.answer import TaggedAnswer, family_answer, is_prefilled
from ollamars.server.asgi import current_request
from ollamars.server.body import RawJson, named, read_body
from ollamars.server.checks import (
    check_capability,
    check_completion,
    check_format,
    check_top_logprobs,
    checked_think,
)
from ollamars.server.context import current_context
from ollamars.server.dialects.ollama.answers import logprobs_json, tool_call_json
from ollamars.server.inference import (
    Answer,
    Answers,
    Job,
    metrics,
    refuse_unsupported,
    run_prompt,
    start_job,
    whole_answer,
)
from ollamars.server.responses import json_response, ndjson_line
from ollamars.server.served import find_served
from ollamars.server.streaming import stream_lines
from ollamars.server.threads import in_prompt_thread
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


@blueprint.route("/api/chat", methods=["POST"])
async def chat() -> Response:
    """A stream of chunks, or with `stream: false` one object. No messages: load, or unload."""
    started = time.monotonic_ns()
    request = await read_body(ChatRequest)
    tools = tools_from_json(request.tools)
    check_top_logprobs(request.top_logprobs)
    context, on_end = current_context(), current_request().on_end
    served = await find_served(context, request.model, unnamed=BadRequest("model is required"))
    if not request.messages and request.keep_alive == 0:
        await context.runtime.unload(served.stored)
        return json_response(_without_text(request, "unload"))
    think = _check(request, served, tools)
    job = await start_job(
        context,
        served,
        options=request.options,
        keep_alive=request.keep_alive,
        shift=request.shift,
        started=started,
        on_end=on_end,
    )
    if not request.messages:
        return json_response(_without_text(request, "load"))
    calls = (
        await in_prompt_thread(tool_calls, served) if tools else CallFormat(family=served.parser)
    )
    last = request.messages[-1].as_prompt_message()
    family = family_answer(calls.family, tools, last, think)
    named = family.tools if family and tools else tools
    prompt = await in_prompt_thread(_prompt, request, job, named, think)
    if request.debug:
        return json_response(_debug(request, prompt))
    start = partial(_start, request, job, prompt, on_end)
    parser = family or _tagged(request, job, prompt, tools, calls, think)
    pieces = Answers(job, start, parser, logprobs=request.logprobs, begun=_begun(request, served))
    writer = _Writer(request, job)
    if request.stream:
        return await stream_lines(pieces, writer.line)
    return json_response(writer.whole(await whole_answer(pieces)))


def _check(request: ChatRequest, served: DescribedModel, tools: Sequence[Tool] | None) -> Think:
    """Raises `BadRequest` for what the model cannot do; whether it shall think."""
    think = checked_think(served, request.model, request.think)
    check_completion(served, request.model, "chat")
    if tools:
        check_capability(served, "tools")
    return think


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


def _conversation(request: ChatRequest, served: DescribedModel) -> list[Message]:
    """The messages of the model, its system text where the request has none, the request's."""
    asked = [message.as_prompt_message() for message in request.messages or ()]
    system = served.stored.system
    own = [Message("system", system)] if system and asked[0].role != "system" else []
    messages = [*own, *served.messages, *asked]
    return without_old_thinking(messages, served.family, served.stored.name.model)


def _prompt(request: ChatRequest, job: Job, tools: list[Tool] | None, think: Think) -> Prompt:
    """The prompt; blocks. Raises `OllamarsError`."""
    today = datetime.date.today()
    tokenizer = job.loaded.engine.tokenizer
    return chat_prompt(
        _conversation(request, job.served),
        prompt_renderer(job.served, tokenizer, tools=tools, think=think, today=today),
        num_ctx=job.num_ctx,
        count_tokens=job.count_tokens,
        truncate=request.truncate,
        has_projector=bool(job.served.stored.projector_paths),
        families=job.served.families,
        tag_media=not job.served.has_renderer,
    )


async def _start(
    request: ChatRequest, job: Job, prompt: Prompt, on_end: ExitStack
) -> AsyncIterator[Sequence[Event]]:
    check_format(request.format)
    refuse_unsupported(job.served, format=request.format, media=prompt.media)
    return await run_prompt(
        job,
        prompt.text,
        truncate=request.truncate,
        logprobs=request.top_logprobs if request.logprobs else None,
        on_end=on_end,
    )


def _begun(request: ChatRequest, served: DescribedModel) -> str:
    """Text of the request that the answer begins with, on the native path."""
    messages = [message.as_prompt_message() for message in request.messages or ()]
    return (begun_answer(messages) or "") if served.is_native else ""


def _tagged(
    request: ChatRequest,
    job: Job,
    prompt: Prompt,
    tools: list[Tool] | None,
    calls: CallFormat,
    think: Think,
) -> TaggedAnswer:
    served = job.served
    tags = DEFAULT_TAGS if served.is_native else thinking_tags(served.template)
    thinks = think and tags and not _begun(request, served)
    return TaggedAnswer(
        tags if thinks else None,
        prefilled=is_prefilled(prompt.text, tags),
        tool_tag=calls.tag,
        tool_names=[tool.name for tool in tools or ()],
    )


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
