"""`GET /api/status`: are models in the cloud turned off, and by what."""

from __future__ import annotations

from quart import Blueprint, Response

from ollamars.server.context import current_context
from ollamars.server.responses import json_response

blueprint = Blueprint("status", __name__)


@blueprint.route("/api/status", methods=["GET"])
async def status() -> Response:
    """`source` is `none`, `env`, `config` or `both`."""
    config = current_context().config
    return json_response({"cloud": {"disabled": config.no_cloud, "source": config.no_cloud_source}})
