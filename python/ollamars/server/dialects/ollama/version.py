"""`GET|HEAD /api/version`."""

from __future__ import annotations

from quart import Blueprint, Response

from ollamars.server.context import current_context
from ollamars.server.responses import json_response

blueprint = Blueprint("version", __name__)


@blueprint.route("/api/version", methods=["GET", "HEAD"])
async def version() -> Response:
    """The version of the server."""
    return json_response({"version": current_context().version})
