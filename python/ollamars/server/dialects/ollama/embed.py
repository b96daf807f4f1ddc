"""`POST /api/embed`: vectors of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quart import Blueprint, Response

from ollamars.errors import BadRequest
from ollamars.server import fields
from ollamars.server.body import read_body
from ollamars.server.context import current_context
from ollamars.server.embedding import Embedded, embed_texts
from ollamars.server.responses import json_response

blueprint = Blueprint("embed", __name__)


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """The body."""

    model: str = ""
    input: Any = None
    truncate: bool = True
    dimensions: int = 0
    keep_alive: fields.KeepAlive | None = None
    options: dict[str, Any] | None = None


@blueprint.route("/api/embed", methods=["POST"])
async def embed() -> Response:
    """A vector for each text. No text: the model is loaded."""
    request = await read_body(EmbedRequest)
    inputs = texts_of(request.input)
    embedded = await embed_texts(
        current_context(),
        request.model,
        inputs,
        truncate=request.truncate,
        dimensions=request.dimensions,
        options=request.options,
        keep_alive=request.keep_alive,
    )
    return json_response(_answer(request.model, embedded))


def texts_of(value: Any) -> list[str]:
    """A text, or a list of them; an empty text is none. Raises `BadRequest` for other values."""
    if value is None or isinstance(value, str):
        return [value] if value else []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise BadRequest("invalid input type")


def _answer(model: str, embedded: Embedded) -> dict[str, Any]:
    answer: dict[str, Any] = {"model": model, "embeddings": embedded.vectors.tolist()}
    if len(embedded.vectors):
        answer["total_duration"] = embedded.total_duration
        answer["load_duration"] = embedded.load_duration
        answer["prompt_eval_count"] = embedded.prompt_tokens
    return answer
