"""`POST /api/generate`: text for one prompt."""

from __future__ import annotations

import datetime
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from quart import Blueprint, Response

from ollamars.described import DescribedModel, prompt_renderer
from ollamars.errors import BadRequest, OllamarsError
from ollamars.prompts import generate as prompts
from ollamars.prompts.chat import Prompt
from ollamars.prompts.gotemplate import TemplateError
from ollamars.prompts.messages import Think
from ollamars.prompts.template import ChatTemplate
from ollamars.prompts.thinking import thinking_tags
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

blueprint = Blueprint("generate", __name__)


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """The body."""

    model: str = ""
    prompt: str = ""
    suffix: str = ""
    system: str = ""
    template: str = ""
    context: list[int] | None = None
    stream: bool = True
    raw: bool = False
    format: RawJson | None = None
    keep_alive: fields.KeepAlive | None = None
    images: list[fields.Image] | None = None
    options: dict[str, Any] | None = None
    think: fields.Think | None = None
    truncate: bool = True
    shift: bool | None = None
    debug: bool = named("_debug_render_only", default=False)
    logprobs: bool = False
    top_logprobs: int = 0


@blueprint.route("/api/generate", methods=["POST"])
async def generate() -> Response:
    """A stream of chunks, or with `stream: false` one object. No prompt: load, or unload."""
    started = time.monotonic_ns()
    request = await read_body(GenerateRequest)
    check_top_logprobs(request.top_logprobs)
    context, on_end = current_context(), current_request().on_end
    served = await find_served(context, request.model)
    if not request.prompt and request.keep_alive == 0:
        await context.runtime.unload(served.stored)
        return json_response(_without_text(request, "unload"))
    think = _check(request, served)
    job = await start_job(
        context,
        served,
        options=request.options,
        keep_alive=request.keep_alive,
        shift=request.shift,
        started=started,
        on_end=on_end,
    )
    if not request.prompt:
        return json_response(_without_text(request, "load"))
    prompt = await in_prompt_thread(_prompt, request, job, think)
    if request.debug:
        return json_response(_debug(request, prompt))
    start = partial(_start, request, job, prompt, on_end)
    family = None if request.raw else family_answer(served.parser, None, None, think)
    pieces = Answers(
        job,
        start,
        family or _tagged(request, job, prompt, think),
        logprobs=request.logprobs,
        with_empty=family is None,
    )
    writer = _Writer(request, job, prompt)
    if request.stream:
        return await stream_lines(pieces, writer.line)
    return json_response(writer.whole(await whole_answer(pieces)))


def _check(request: GenerateRequest, served: DescribedModel) -> Think:
    """Raises `BadRequest` for what cannot be; whether the model shall think."""
    if request.raw and (request.template or request.system or request.context):
        raise BadRequest("raw mode does not support template, system, or context")
    think = checked_think(served, request.model, request.think)
    check_completion(served, request.model, "generate")
    if request.suffix:
        check_capability(served, "insert")
    return think


def _without_text(request: GenerateRequest, reason: str) -> dict[str, Any]:
    return {
        "model": request.model,
        "created_at": now(),
        "response": "",
        "done": True,
        "done_reason": reason,
    }


def _debug(request: GenerateRequest, prompt: Prompt) -> dict[str, Any]:
    info: dict[str, Any] = {"rendered_template": prompt.text}
    if prompt.media:
        info["image_count"] = len(prompt.media)
    return {
        "model": request.model,
        "created_at": now(),
        "response": "",
        "done": False,
        "_debug_info": info,
    }


def _prompt(request: GenerateRequest, job: Job, think: Think) -> Prompt:
    """The prompt; blocks. Raises `OllamarsError`."""
    if request.raw:
        return Prompt(request.prompt)
    today = datetime.date.today()
    stored = job.served.stored
    return prompts.generate_prompt(
        prompts.GenerateRequest(
            prompt=request.prompt,
            suffix=request.suffix,
            system=request.system,
            images=tuple(request.images or ()),
            template=_own_template(request.template),
            context=_context_text(job, request.context),
            think=think,
        ),
        prompt_renderer(
            job.served,
            job.loaded.engine.tokenizer,
            think=think,
            today=today,
            conversation=False,
        ),
        template=job.served.template,
        today=today,
        num_ctx=job.num_ctx,
        count_tokens=job.count_tokens,
        system=stored.system,
        messages=job.served.messages,
        truncate=request.truncate,
        has_projector=bool(stored.projector_paths),
        families=job.served.families,
        tag_media=not job.served.has_renderer,
    )


def _own_template(text: str) -> ChatTemplate | None:
    if not text:
        return None
    try:
        return ChatTemplate.parse(text)
    except TemplateError as error:
        raise OllamarsError(error.message) from None


def _context_text(job: Job, context: list[int] | None) -> str | None:
    """The text of a former answer's `context`. Raises `OllamarsError` for a foreign token."""
    if context is None:
        return None
    tokenizer = job.loaded.engine.tokenizer
    foreign = next((token for token in context if not 0 <= token < tokenizer.n_tokens), None)
    if foreign is not None:
        raise OllamarsError(f"context: token {foreign} is not in the vocabulary")
    return tokenizer.detokenize(context, special=True).decode("utf-8", "replace")


async def _start(
    request: GenerateRequest, job: Job, prompt: Prompt, on_end: ExitStack
) -> AsyncIterator[Sequence[Event]]:
    check_format(request.format)
    refuse_unsupported(job.served, format=request.format, media=request.images or ())
    return await run_prompt(
        job,
        prompt.text,
        truncate=request.truncate,
        logprobs=request.top_logprobs if request.logprobs else None,
        on_end=on_end,
    )


def _tagged(request: GenerateRequest, job: Job, prompt: Prompt, think: Think) -> TaggedAnswer:
    """Thinking is told apart only where the Go template knows its tags."""
    tags = thinking_tags(job.served.template)
    if request.raw or not think or not tags:
        return TaggedAnswer()
    return TaggedAnswer(tags, prefilled=is_prefilled(prompt.text, tags))


class _Writer:
    """Turns the pieces of an answer into objects of this API."""

    def __init__(self, request: GenerateRequest, job: Job, prompt: Prompt) -> None:
        self._request = request
        self._job = job
        self._prompt = prompt

    def line(self, piece: Answer) -> bytes:
        """A line of the stream."""
        return ndjson_line(self.whole(piece))

    def whole(self, piece: Answer) -> dict[str, Any]:
        """An object."""
        value: dict[str, Any] = {
            "model": self._request.model,
            "created_at": now(),
            "response": piece.parts.content,
        }
        if piece.parts.thinking:
            value["thinking"] = piece.parts.thinking
        if piece.parts.calls:
            value["tool_calls"] = [tool_call_json(call) for call in piece.parts.calls]
        value["done"] = piece.last is not None
        if piece.tokens:
            value["logprobs"] = logprobs_json(piece.tokens, top=self._request.top_logprobs > 0)
        if piece.last is not None:
            value["done_reason"] = piece.last.done
            context = [] if self._request.raw else self._context(piece)
            if context:
                value["context"] = context
            value |= metrics(self._job, piece.last)
        return value

    def _context(self, piece: Answer) -> list[int]:
        """The tokens of prompt and answer, for a request that goes on from here."""
        text = self._prompt.text + piece.said
        return self._job.loaded.engine.tokenizer.encode(text, special=True)
