"""`/api/experimental/...`: services of ollama.com, which are not to be had here."""

from __future__ import annotations

from quart import Blueprint, Response

from ollamars.errors import BadRequest, OllamarsError
from ollamars.server.asgi import current_request
from ollamars.server.context import current_context
from ollamars.server.responses import json_response
from ollamars.server.served import refused_cloud

blueprint = Blueprint("experimental", __name__)


@blueprint.route("/api/experimental/web_search", methods=["POST"])
async def web_search() -> Response:
    """Pages for a query."""
    return await _refuse("web search is unavailable")


@blueprint.route("/api/experimental/web_fetch", methods=["POST"])
async def web_fetch() -> Response:
    """The text of a page."""
    return await _refuse("web fetch is unavailable")


async def _refuse(what: str) -> Response:
    """Raises `BadRequest` without a body, then why the service cannot be had."""
    request, config = current_request(), current_context().config
    request.body.limit = config.max_body
    if not (await request.body).strip():
        raise BadRequest("missing request body")
    raise refused_cloud(config, what) if config.no_cloud else OllamarsError(what, status=501)


@blueprint.route("/api/experimental/model-recommendations", methods=["GET"])
async def model_recommendations() -> Response:
    """Models to try: there is no such list."""
    return json_response({"recommendations": []})
