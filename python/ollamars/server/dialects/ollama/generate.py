"""`POST /api/generate`: text for one prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quart import Blueprint, Response

from ollamars.prompts.chat import Prompt
from ollamars.server import fields
from ollamars.server.asgi import current_request
from ollamars.server.body import RawJson, named, read_body
from ollamars.server.calls import GenerateCall, Nothing, Rendered
from ollamars.server.context import current_context
from ollamars.server.dialects.ollama.answers import tool_call_json
from ollamars.server.generate import start_generate
from ollamars.server.inference import Answer, Job, metrics, whole_answer
from ollamars.server.logprobs import logprobs_json
from ollamars.server.responses import json_response, ndjson_line
from ollamars.server.streaming import stream_lines
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

    def call(self) -> GenerateCall:
        """What is asked for."""
        return GenerateCall(
            model=self.model,
            prompt=self.prompt,
            suffix=self.suffix,
            system=self.system,
            template=self.template,
            context=self.context,
            images=tuple(self.images or ()),
            raw=self.raw,
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


@blueprint.route("/api/generate", methods=["POST"])
async def generate() -> Response:
    """A stream of chunks, or with `stream: false` one object. No prompt: load, or unload."""
    request = await read_body(GenerateRequest)
    outcome = await start_generate(current_context(), request.call(), current_request().on_end)
    if isinstance(outcome, Nothing):
        return json_response(_without_text(request, outcome.reason))
    if isinstance(outcome, Rendered):
        return json_response(_debug(request, outcome.prompt))
    writer = _Writer(request, outcome.job, outcome.prompt)
    if request.stream:
        return await stream_lines(outcome.pieces, writer.line)
    return json_response(writer.whole(await whole_answer(outcome.pieces)))


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
