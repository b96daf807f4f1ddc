"""`POST /v1/messages/count_tokens`: how many tokens the prompt of a request has."""

from __future__ import annotations

from quart import Response

from ollamars.errors import OllamarsError
from ollamars.server.asgi import current_request
from ollamars.server.body import read_body
from ollamars.server.calls import ChatCall, Running
from ollamars.server.chat import start_chat
from ollamars.server.context import current_context
from ollamars.server.dialects.anthropic.call import counting_call
from ollamars.server.dialects.anthropic.errors import error_answer, messages_blueprint
from ollamars.server.dialects.anthropic.request import MessagesRequest
from ollamars.server.inference import refuse_media
from ollamars.server.responses import PLAIN_JSON, json_response
from ollamars.server.threads import in_prompt_thread

blueprint = messages_blueprint("count_tokens", __name__)


@blueprint.route("/v1/messages/count_tokens", methods=["POST"])
async def count_tokens() -> Response:
    """The tokens that the same request to `/v1/messages` would put into the model.

    The prompt is made as there, with system text, tools and thinking, and is not cut where it is
    longer than the context. The model is loaded for it.
    """
    request = await read_body(MessagesRequest, empty="EOF", zstd=True)
    call = counting_call(request)
    try:
        count = await _count(call)
    except OllamarsError as error:
        return error_answer(error, content_type=PLAIN_JSON)
    return json_response({"input_tokens": count}, content_type=PLAIN_JSON)


async def _count(call: ChatCall) -> int:
    outcome = await start_chat(current_context(), call, current_request().on_end)
    if not isinstance(outcome, Running):
        return 0
    refuse_media(outcome.job.served, outcome.prompt.media)
    return await in_prompt_thread(outcome.job.count_tokens, outcome.prompt.text)
