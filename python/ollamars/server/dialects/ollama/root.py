"""`GET|HEAD /`: tells that the server runs."""

from __future__ import annotations

from quart import Blueprint, Response

from ollamars.server.responses import respond

blueprint = Blueprint("root", __name__)


@blueprint.route("/", methods=["GET", "HEAD"])
async def root() -> Response:
    """Clients recognise the server by this text."""
    return respond("Ollama is running", content_type="text/plain; charset=utf-8")
