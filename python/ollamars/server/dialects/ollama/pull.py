"""`POST /api/pull`: bring a model from a registry."""

from __future__ import annotations

from dataclasses import dataclass

from quart import Blueprint, Response

from ollamars.errors import BadRequest
from ollamars.registry.progress import Emit
from ollamars.server.body import read_body
from ollamars.server.context import current_context
from ollamars.server.threads import in_thread
from ollamars.server.transfers import TransferRequest, transfer_answer
from ollamars.store.names import InvalidName, NameRequired, parse_ref

blueprint = Blueprint("pull", __name__)


@dataclass(frozen=True, slots=True)
class PullRequest(TransferRequest):
    """What an error about a field calls the body."""


@blueprint.route("/api/pull", methods=["POST"])
async def pull() -> Response:
    """Progress as a stream, or with `stream: false` its last object."""
    request = await read_body(PullRequest)
    try:
        wanted = parse_ref(request.model or request.name, for_pull=True).name
    except (NameRequired, InvalidName):
        raise BadRequest("invalid model name") from None
    context = current_context()
    name = await in_thread(context.store.resolve, wanted)

    async def work(emit: Emit) -> None:
        transfers = await context.transfers.get()
        await transfers.pull(name, insecure=request.insecure, emit=emit)

    return await transfer_answer(context.nursery, work, stream=request.stream)
