"""`POST /api/embeddings`: the vector of one text, as older clients ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quart import Blueprint, Response

from ollamars.errors import BadRequest, OllamarsError
from ollamars.server import fields
from ollamars.server.body import read_body
from ollamars.server.context import current_context
from ollamars.server.embedding import TOO_LONG, NoEmbeddings, embed_texts
from ollamars.server.responses import json_response

blueprint = Blueprint("embeddings", __name__)


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """The body."""

    model: str = ""
    prompt: str = ""
    keep_alive: fields.KeepAlive | None = None
    options: dict[str, Any] | None = None


@blueprint.route("/api/embeddings", methods=["POST"])
async def embeddings() -> Response:
    """A vector; no text: none. Whatever is wrong with a text is 500, and none is cut."""
    request = await read_body(EmbeddingRequest)
    try:
        embedded = await embed_texts(
            current_context(),
            request.model,
            [request.prompt] if request.prompt else [],
            truncate=False,
            options=request.options,
            keep_alive=request.keep_alive,
            unnamed=BadRequest("model is required"),
            any_case=False,
        )
    except OllamarsError as error:
        if isinstance(error, NoEmbeddings) or error.message == TOO_LONG:
            error.status = 500
        raise
    vectors = embedded.vectors.tolist()
    return json_response({"embedding": vectors[0] if vectors else []})
