"""Documents in the order of their relevance, whatever the API."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ollamars.errors import BadRequest, NotFound
from ollamars.runtime.reranking import pairs
from ollamars.server.context import Context
from ollamars.server.inference import start_job
from ollamars.server.served import find_served
from ollamars.server.threads import in_prompt_thread


@dataclass(frozen=True, slots=True)
class Ranked:
    """The relevance of documents, and what it cost."""

    relevances: list[float]
    """Of each document, in the order of the request."""
    prompt_tokens: int
    """Of all pairs of query and document."""

    def best(self, count: int | None) -> list[int]:
        """Numbers of the documents, best first, at most `count`."""
        order = sorted(range(len(self.relevances)), key=lambda index: -self.relevances[index])
        return order[:count]


async def rank(
    context: Context,
    model_name: str,
    query: str,
    documents: Sequence[str],
    *,
    options: Mapping[str, Any] | None = None,
    keep_alive: int | None = None,
) -> Ranked:
    """Load the model and score each document against the query; a long document is cut.

    `keep_alive` in ns. Raises `OllamarsError`: `NotFound`, `BadRequest` (a model that is no
    reranker, a query that is too long).
    """
    started = time.monotonic_ns()
    missing = NotFound(f'model "{model_name}" not found, try pulling it first')
    served = await find_served(
        context, model_name, unnamed=BadRequest("model is required"), not_found=missing
    )
    with ExitStack() as on_end:
        job = await start_job(
            context,
            served,
            options=options,
            keep_alive=keep_alive,
            shift=None,
            started=started,
            on_end=on_end,
        )
        engine = job.loaded.engine
        if engine.n_labels == 0:
            raise BadRequest(f'"{model_name}" does not support reranking')
        texts = await in_prompt_thread(
            pairs, engine.tokenizer, engine.rerank_template, query, documents, job.num_ctx
        )
        scores = await job.loaded.bridge.vectors(lambda number: engine.relevances(number, texts))
    return Ranked([float(score) for score in scores], sum(map(len, texts)))
