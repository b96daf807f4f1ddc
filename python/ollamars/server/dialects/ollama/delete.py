"""`DELETE /api/delete`: remove a model."""

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
from ollamars.store.names import InvalidName, parse_ref

blueprint = Blueprint("delete", __name__)


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """The body; `name` is an old name of `model`."""

    model: str = ""
    name: str = ""


@blueprint.route("/api/delete", methods=["DELETE"])
async def delete() -> Response:
    """Empty answer; blobs that no other model uses go, too."""
    request = await read_body(DeleteRequest)
    wanted = request.model or request.name
    try:
        name = parse_ref(wanted, for_pull=True).name
    except InvalidName:
        raise BadRequest(f"name {quote(wanted)} is invalid") from None
    try:
        await in_thread(current_context().store.delete, name)
    except ModelNotFound:
        raise NotFound(f"model '{wanted}' not found") from None
    return respond(b"")
