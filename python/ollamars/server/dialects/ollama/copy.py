"""`POST /api/copy`: give a model a second name."""

from __future__ import annotations

from dataclasses import dataclass

from quart import Blueprint, Response

from ollamars.errors import BadRequest, NotFound
from ollamars.server.body import read_body
from ollamars.server.context import current_context
from ollamars.server.responses import respond
from ollamars.server.threads import in_thread
from ollamars.store.gotext import quote
from ollamars.store.manifests import ModelNotFound
from ollamars.store.names import Name

blueprint = Blueprint("copy", __name__)


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """The body."""

    source: str = ""
    destination: str = ""


@blueprint.route("/api/copy", methods=["POST"])
async def copy() -> Response:
    """Empty answer; an old model of the new name goes."""
    request = await read_body(CopyRequest)
    source, destination = Name.parse(request.source), Name.parse(request.destination)
    if not source.is_valid:
        raise BadRequest(f"source {quote(request.source)} is invalid")
    if not destination.is_valid:
        raise BadRequest(f"destination {quote(request.destination)} is invalid")
    try:
        await in_thread(current_context().store.copy, source, destination)
    except ModelNotFound:
        raise NotFound(f"model {quote(request.source)} not found") from None
    return respond(b"")
