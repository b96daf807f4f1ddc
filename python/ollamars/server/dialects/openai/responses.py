"""`POST /v1/responses`: the next items of a conversation."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from quart import Response

from ollamars.errors import OllamarsError
from ollamars.server.asgi import current_request
from ollamars.server.calls import ChatCall, Rendered, pieces_of
from ollamars.server.chat import start_chat
from ollamars.server.context import current_context
from ollamars.server.dialects.openai.errors import error_answer, v1_blueprint
from ollamars.server.dialects.openai.request import read_call
from ollamars.server.dialects.openai.response_events import Events
from ollamars.server.dialects.openai.response_object import ResponseObject, output_of, usage_of
from ollamars.server.dialects.openai.responses_request import ResponsesRequest, chat_call
from ollamars.server.dialects.openai.sse import stream_events
from ollamars.server.inference import Answer, whole_answer
from ollamars.server.responses import PLAIN_JSON, json_response

blueprint = v1_blueprint("responses", __name__)

_IDS = 999_999
"""Ids have random numbers below this, as Ollama's."""


@blueprint.route("/v1/responses", methods=["POST"])
async def responses() -> Response:
    """One object, or with `stream` server-sent events."""
    request, call = await read_call(ResponsesRequest, chat_call)
    response = ResponseObject(request, _new_id("resp"), _seconds())
    if not request.stream:
        answer = await whole_answer(await _pieces(call))
        return json_response(_whole(response, answer), content_type=PLAIN_JSON)
    streamed = await _stream(response, call)
    streamed.headers["Cache-Control"] = "no-cache"
    return streamed


async def _pieces(call: ChatCall) -> AsyncIterator[list[Answer]]:
    """The pieces of the answer to a call. Raises `OllamarsError`."""
    outcome = await start_chat(current_context(), call, current_request().on_end)
    assert not isinstance(outcome, Rendered)  # no call of this API asks for the prompt
    return pieces_of(outcome)


def _whole(response: ResponseObject, answer: Answer) -> dict[str, Any]:
    output = output_of(answer, response.id, _new_id("msg"))
    return response.at("completed", output, completed=_seconds(), usage=usage_of(answer))


async def _stream(response: ResponseObject, call: ChatCall) -> Response:
    events = Events(response, new_id=_new_id, clock=_seconds)
    try:
        pieces = await _pieces(call)
    except OllamarsError as error:
        return error_answer(error)
    return await stream_events(pieces, events.events, last_error=events.failed)


def _new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.randbelow(_IDS)}"


def _seconds() -> int:
    """Since 1970."""
    return int(time.time())
