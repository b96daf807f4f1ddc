"""`POST /v1/messages`: the next message of a conversation."""

from __future__ import annotations

from functools import partial

from quart import Response

from ollamars.errors import OllamarsError
from ollamars.server.asgi import current_request
from ollamars.server.body import read_body
from ollamars.server.calls import ChatCall, Nothing, Rendered, Running, pieces_of
from ollamars.server.chat import start_chat
from ollamars.server.context import current_context
from ollamars.server.dialects.anthropic.call import chat_call
from ollamars.server.dialects.anthropic.errors import (
    error_answer,
    error_event,
    messages_blueprint,
    new_id,
)
from ollamars.server.dialects.anthropic.estimate import estimated_tokens
from ollamars.server.dialects.anthropic.events import MessageEvents
from ollamars.server.dialects.anthropic.message import message
from ollamars.server.dialects.anthropic.request import MessagesRequest
from ollamars.server.dialects.anthropic.tools import has_web_search
from ollamars.server.inference import whole_answer
from ollamars.server.responses import EVENT_STREAM, PLAIN_JSON, error_response, json_response
from ollamars.server.served import refuse_cloud_name
from ollamars.server.streaming import stream_lines

blueprint = messages_blueprint("messages", __name__)


@blueprint.route("/v1/messages", methods=["POST"])
async def messages() -> Response:
    """A message, or with `stream: true` its events."""
    request = await read_body(MessagesRequest, empty="EOF", zstd=True)
    try:
        refuse_cloud_name(current_context().config, request.model)
    except OllamarsError as error:  # told in Ollama's own envelope, as there
        return error_response(error.message, error.status)
    response = await _answer(request, chat_call(request))
    if request.stream:
        response.headers["Cache-Control"] = "no-cache"
    return response


async def _answer(request: MessagesRequest, call: ChatCall) -> Response:
    failed = partial(error_answer, content_type=PLAIN_JSON)
    try:
        outcome = await start_chat(current_context(), call, current_request().on_end)
        assert not isinstance(outcome, Rendered), "only a call for debugging is rendered"
        if request.stream:
            return await stream_lines(
                pieces_of(outcome),
                _events(request, outcome).lines,
                content_type=EVENT_STREAM,
                first_error=failed,
                last_error=error_event,
            )
        answer = await whole_answer(pieces_of(outcome))
    except OllamarsError as error:
        return failed(error)
    searches = has_web_search(request.tools)
    body = message(new_id("msg"), request.model, answer, searches=searches)
    return json_response(body, content_type=PLAIN_JSON)


def _events(request: MessagesRequest, outcome: Nothing | Running) -> MessageEvents:
    return MessageEvents(
        new_id("msg"),
        request.model,
        estimate=estimated_tokens(request),
        late_calls=isinstance(outcome, Running) and outcome.job.served.is_native,
        searches=has_web_search(request.tools),
    )
