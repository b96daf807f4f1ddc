"""`POST /v1/completions`: text for one prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from quart import Response

from ollamars.errors import BadRequest
from ollamars.server.asgi import current_request
from ollamars.server.body import named
from ollamars.server.calls import GenerateCall, Rendered, pieces_of
from ollamars.server.context import current_context
from ollamars.server.dialects.openai.errors import v1_blueprint
from ollamars.server.dialects.openai.head import Head, new_head, usage_json
from ollamars.server.dialects.openai.options import Float32, given, go_type, stop_texts
from ollamars.server.dialects.openai.request import read_call
from ollamars.server.dialects.openai.sse import (
    DONE,
    data_event,
    stream_events,
)
from ollamars.server.dialects.openai.stream_options import StreamOptions, wants_usage
from ollamars.server.generate import start_generate
from ollamars.server.inference import Answer, whole_answer
from ollamars.server.responses import PLAIN_JSON, json_response

blueprint = v1_blueprint("completions", __name__)

_KIND = "text_completion"


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """The body."""

    go_package: ClassVar[str] = "openai"

    model: str = ""
    prompt: str = ""
    frequency_penalty: Float32 = 0.0
    max_tokens: int | None = None
    presence_penalty: Float32 = 0.0
    seed: int | None = None
    stop: Any = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: Float32 | None = None
    top_p: Float32 = 0.0
    suffix: str = ""
    logprobs: int | None = None
    debug: bool = named("_debug_render_only", default=False)


def generate_call(request: CompletionRequest) -> GenerateCall:
    """What a request asks for. Raises `BadRequest`.

    An answer of this API does not carry log-probabilities, so none are computed; how many are
    asked for is checked all the same.
    """
    return GenerateCall(
        model=request.model,
        prompt=request.prompt,
        suffix=request.suffix,
        options=_options(request),
        top_logprobs=max(request.logprobs or 0, 0),
        debug=request.debug,
    )


def _options(request: CompletionRequest) -> dict[str, Any]:
    """The options; temperature and top_p do not come from the model, as in OpenAI's API."""
    stop = stop_texts(request.stop)
    foreign = next((text for text in stop or () if not isinstance(text, str)), "")
    if foreign != "":
        raise BadRequest(f"invalid type for 'stop' field: {go_type(foreign)}")
    options = {
        "stop": stop,
        "num_predict": request.max_tokens,
        "seed": request.seed,
        "temperature": request.temperature,
    }
    return {
        "temperature": 1.0,
        "top_p": request.top_p or 1.0,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
    } | given(options)


@blueprint.route("/v1/completions", methods=["POST"])
async def completions() -> Response:
    """One object, or with `stream` server-sent events."""
    request, call = await read_call(CompletionRequest, generate_call)
    outcome = await start_generate(current_context(), call, current_request().on_end)
    head = new_head("cmpl", request.model)
    if isinstance(outcome, Rendered):
        return json_response(completion(head, None), content_type=PLAIN_JSON)
    pieces = pieces_of(outcome)
    if request.stream:
        chunks = Chunks(head, usage=wants_usage(request.stream_options))
        return await stream_events(pieces, chunks.events)
    return json_response(completion(head, await whole_answer(pieces)), content_type=PLAIN_JSON)


def completion(head: Head, answer: Answer | None) -> dict[str, Any]:
    """A whole answer; None: there is none, because only the prompt was asked for."""
    return head.object(_KIND, [_choice(answer)]) | {"usage": usage_json(answer)}


def _choice(piece: Answer | None) -> dict[str, Any]:
    return {
        "text": piece.parts.content if piece else "",
        "index": 0,
        "finish_reason": piece.last.done if piece and piece.last else None,
    }


class Chunks:
    """Turns the pieces of an answer into the chunks of a stream."""

    def __init__(self, head: Head, *, usage: bool) -> None:
        """`usage`: all chunks have counts of tokens, which the last one knows."""
        self._head = head
        self._usage = usage

    def events(self, piece: Answer) -> bytes:
        """The events of a piece."""
        usage = {"usage": usage_json(None)} if self._usage else {}
        events = data_event(self._head.object(_KIND, [_choice(piece)]) | usage)
        if piece.last and self._usage:
            events += data_event(self._head.object(_KIND, []) | {"usage": usage_json(piece)})
        return events + DONE if piece.last else events
