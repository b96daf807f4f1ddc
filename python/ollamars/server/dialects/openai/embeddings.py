"""`POST /v1/embeddings`: vectors of texts."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from quart import Response

from ollamars.errors import BadRequest
from ollamars.runtime.engine import Vectors
from ollamars.server.context import current_context
from ollamars.server.dialects.openai.errors import v1_blueprint
from ollamars.server.dialects.openai.request import read_call
from ollamars.server.embedding import embed_texts
from ollamars.server.responses import PLAIN_JSON, json_response

blueprint = v1_blueprint("embeddings", __name__)


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """The body."""

    go_package: ClassVar[str] = "openai"

    input: Any = None
    model: str = ""
    dimensions: int = 0
    encoding_format: str = ""


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """What a request asks for."""

    input: Any
    encode: Callable[[Vectors], list[Any]]
    """Makes the vectors what the answer has."""


def embed_call(request: EmbedRequest) -> EmbedCall:
    """What a request asks for. Raises `BadRequest`."""
    encode = _ENCODINGS.get(request.encoding_format.lower() or "float")
    if encode is None:
        raise BadRequest(
            f"Invalid value for 'encoding_format' = {request.encoding_format}. "
            "Supported values: ['float', 'base64']."
        )
    if request.input is None or request.input == []:
        raise BadRequest("invalid input")
    return EmbedCall(request.input, encode)


def texts_of(value: Any) -> list[str]:
    """A text, or a list of them; an empty text counts. Raises `BadRequest` for other values."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadRequest("invalid input type")
    return texts


@blueprint.route("/v1/embeddings", methods=["POST"])
async def embeddings() -> Response:
    """A vector for each text, as numbers or in base64."""
    request, call = await read_call(EmbedRequest, embed_call)
    embedded = await embed_texts(
        current_context(), request.model, texts_of(call.input), dimensions=request.dimensions
    )
    answer = {
        "object": "list",
        "data": [
            {"object": "embedding", "embedding": embedding, "index": index}
            for index, embedding in enumerate(call.encode(embedded.vectors))
        ],
        "model": request.model,
        "usage": {
            "prompt_tokens": embedded.prompt_tokens,
            "total_tokens": embedded.prompt_tokens,
        },
    }
    return json_response(answer, content_type=PLAIN_JSON)


def _numbers(vectors: Vectors) -> list[Any]:
    return list(vectors.tolist())


def _base64(vectors: Vectors) -> list[Any]:
    """Little-endian float32 in base64."""
    return [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in vectors]


_ENCODINGS: Mapping[str, Callable[[Vectors], list[Any]]] = {
    "float": _numbers,
    "base64": _base64,
}
