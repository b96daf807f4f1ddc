"""`POST /api/show`: everything about one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quart import Blueprint, Response

from ollamars.errors import BadRequest, NotFound
from ollamars.server.asgi import current_request
from ollamars.server.body import read_body
from ollamars.server.context import Context, current_context
from ollamars.server.dialects.ollama.model_info import ShowOptions, current_shown
from ollamars.server.responses import json_response
from ollamars.server.served import NO_DETAILS, refused_cloud
from ollamars.server.threads import in_thread
from ollamars.store.manifests import ModelNotFound
from ollamars.store.names import InvalidName, Name, parse_ref

blueprint = Blueprint("show", __name__)

COPILOT = "GitHubCopilotChat/"
"""Begins the user agent of a client that shows `general.basename` as the model's name."""


@dataclass(frozen=True, slots=True)
class ShowRequest:
    """The body; `name` is an old name of `model`, and `template` has no effect."""

    model: str = ""
    system: str = ""
    template: str = ""
    verbose: bool = False
    options: dict[str, Any] | None = None
    name: str = ""


@blueprint.route("/api/show", methods=["POST"])
async def show() -> Response:
    """The model's Modelfile, parameters, template, metadata, tensors and capabilities."""
    request = await read_body(ShowRequest)
    wanted = request.model or request.name
    try:
        ref = parse_ref(wanted)
    except InvalidName:
        raise BadRequest("invalid model name") from None
    context = current_context()
    if ref.source == "cloud":
        raise refused_cloud(context.config, NO_DETAILS)
    name = await in_thread(context.store.resolve, ref.name)
    options = ShowOptions(
        verbose=request.verbose, system=request.system, params=request.options or {}
    )
    answer = await _shown(context, name, options)
    if answer.get("remote_host") and context.config.no_cloud:
        raise refused_cloud(context.config, NO_DETAILS)
    if answer.get("remote_host") and ref.source == "local":
        raise NotFound(f"model '{wanted}' not found")
    if current_request().headers.get("User-Agent", "").startswith(COPILOT):
        info = {**answer["model_info"], "general.basename": wanted}
        answer = {**answer, "model_info": dict(sorted(info.items()))}
    return json_response(answer)


async def _shown(context: Context, name: Name, options: ShowOptions) -> dict[str, Any]:
    shown = current_shown(context)
    try:
        return await in_thread(shown.answer, name, options)
    except ModelNotFound:
        raise NotFound(f"model '{name.short}' not found") from None
