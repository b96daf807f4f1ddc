"""`GET|HEAD /api/tags`: the stored models."""

from __future__ import annotations

from quart import Blueprint, Response

from ollamars.server.context import current_context
from ollamars.server.dialects.ollama.listing import current_listing
from ollamars.server.responses import json_response
from ollamars.server.threads import in_thread

blueprint = Blueprint("tags", __name__)


@blueprint.route("/api/tags", methods=["GET", "HEAD"])
async def tags() -> Response:
    """All models, the last modified first."""
    listing = current_listing(current_context().store)
    return json_response({"models": await in_thread(listing.models)})
