"""`POST /v1/rerank` and `POST /api/rerank`: documents in the order of their relevance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from quart import Blueprint, Response

from ollamars.errors import BadRequest
from ollamars.server import fields
from ollamars.server.body import read_body
from ollamars.server.context import current_context
from ollamars.server.rerank import Ranked, rank
from ollamars.server.responses import json_response

blueprint = Blueprint("rerank", __name__)


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """The body. A document is a text, or an object with one under `text`."""

    model: str = ""
    query: str = ""
    documents: list[Any] = field(default_factory=list)
    top_n: int | None = None
    return_documents: bool = False
    keep_alive: fields.KeepAlive | None = None
    options: dict[str, Any] | None = None


@blueprint.route("/v1/rerank", methods=["POST"])
@blueprint.route("/api/rerank", methods=["POST"])
async def rerank() -> Response:
    """The best documents first, each with its place in the request and its relevance."""
    request = await read_body(RerankRequest)
    documents = checked_documents(request)
    ranked = await rank(
        current_context(),
        request.model,
        request.query,
        documents,
        options=request.options,
        keep_alive=request.keep_alive,
    )
    return json_response(_answer(request, documents, ranked))


def checked_documents(request: RerankRequest) -> list[str]:
    """The texts of the documents. Raises `BadRequest` for what a request cannot do without."""
    if not request.query:
        raise BadRequest("query is required")
    if not request.documents:
        raise BadRequest("documents is required")
    if request.top_n is not None and request.top_n < 1:
        raise BadRequest("top_n must be at least 1")
    return [_text(index, document) for index, document in enumerate(request.documents)]


def _text(index: int, document: Any) -> str:
    text = document.get("text") if isinstance(document, dict) else document
    if not isinstance(text, str):
        raise BadRequest(f'documents[{index}] must be a string or an object with a string "text"')
    return text


def _answer(request: RerankRequest, documents: list[str], ranked: Ranked) -> dict[str, Any]:
    results: list[dict[str, Any]] = []
    for index in ranked.best(request.top_n):
        result: dict[str, Any] = {"index": index, "relevance_score": ranked.relevances[index]}
        if request.return_documents:
            result["document"] = {"text": documents[index]}
        results.append(result)
    tokens = ranked.prompt_tokens
    return {
        "model": request.model,
        "object": "list",
        "results": results,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
