"""`HEAD|POST /api/blobs/{digest}`: is a blob there, and bring one."""

from __future__ import annotations

from quart import Blueprint, Response

from ollamars.errors import BadRequest, NotFound
from ollamars.server.asgi import current_request
from ollamars.server.context import current_context
from ollamars.server.responses import respond
from ollamars.server.threads import in_thread, in_upload_thread
from ollamars.store.gotext import quote

blueprint = Blueprint("blobs", __name__)


@blueprint.route("/api/blobs/<digest>", methods=["HEAD"])
async def head(digest: str) -> Response:
    """200 when the blob is there."""
    if not await in_thread(current_context().store.blobs.has, digest):
        raise NotFound(f"blob {quote(digest)} not found")
    answer = respond(b"")
    del answer.headers["Content-Length"]  # it would say that the blob is empty
    return answer


@blueprint.route("/api/blobs/<digest>", methods=["POST"])
async def upload(digest: str) -> Response:
    """Store the body, of any size, in pieces; 200 when it was there and is not read.

    Content of another digest stays stored under its own, and is an error.
    """
    blobs = current_context().store.blobs
    if await in_thread(blobs.has, digest):
        return respond(b"")
    body = current_request().body
    body.limit = None
    with await in_upload_thread(blobs.upload) as new:
        async for piece in body:
            await in_upload_thread(new.write, piece)
        await in_upload_thread(new.seal)
        await in_upload_thread(new.settle)
    if new.digest != digest:
        raise BadRequest(f"digest mismatch, expected {quote(digest)}, got {quote(new.digest)}")
    return respond(b"", 201)
