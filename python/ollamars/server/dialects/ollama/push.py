"""`POST /api/push`: send a model to a registry."""

from __future__ import annotations

from dataclasses import dataclass

from quart import Blueprint, Response

from ollamars.errors import BadRequest
from ollamars.registry.progress import Emit
from ollamars.server.body import read_body
from ollamars.server.context import current_context
from ollamars.server.threads import in_thread
from ollamars.server.transfers import TransferRequest, transfer_answer
from ollamars.store.names import Name

blueprint = Blueprint("push", __name__)


@dataclass(frozen=True, slots=True)
class PushRequest(TransferRequest):
    """What an error about a field calls the body."""


@blueprint.route("/api/push", methods=["POST"])
async def push() -> Response:
    """Progress as a stream, or with `stream: false` its last object."""
    request = await read_body(PushRequest)
    wanted = request.model or request.name
    if not wanted:
        raise BadRequest("model is required")
    context = current_context()
    name = Name.parse(wanted)
    if name.is_valid:
        name = await in_thread(context.store.resolve, name)

    async def work(emit: Emit) -> None:
        transfers = await context.transfers.get()
        await transfers.push(name, insecure=request.insecure, emit=emit)

    return await transfer_answer(context.nursery, work, stream=request.stream)
