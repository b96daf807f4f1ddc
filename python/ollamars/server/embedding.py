"""Vectors of texts, whatever the API."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from ollamars.errors import BadRequest, NotFound, OllamarsError
from ollamars.runtime.engine import Vectors
from ollamars.runtime.vectors import cut_tokens, shortened
from ollamars.server.context import Context
from ollamars.server.inference import Job, start_job
from ollamars.server.served import find_served
from ollamars.server.threads import in_prompt_thread

TOO_LONG = "the input length exceeds the context length"


class NoEmbeddings(OllamarsError):
    """The model was made for something else."""

    status = 501

    def __init__(self) -> None:
        super().__init__("this model does not support embeddings")


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of texts, and what they cost."""

    vectors: Vectors
    """`[texts, dimensions]`, each of length 1."""
    prompt_tokens: int
    """Of all texts, special tokens included."""
    load_duration: int
    """Nanoseconds that the request waited for the model."""
    total_duration: int
    """Nanoseconds."""


async def embed_texts(
    context: Context,
    model_name: str,
    inputs: Sequence[str],
    *,
    truncate: bool = True,
    dimensions: int = 0,
    options: Mapping[str, Any] | None = None,
    keep_alive: int | None = None,
    unnamed: OllamarsError | None = None,
    any_case: bool = True,
) -> Embedded:
    """Load the model and embed texts; without a text the model is only loaded.

    `truncate`: a text that is too long is cut. `dimensions`: so many values are kept, if the
    model's vectors have more. `keep_alive` in ns. `unnamed` and `any_case` as for `find_served`.

    Raises `OllamarsError`: `NotFound`, `BadRequest` (a text that is too long, a bad option),
    `NoEmbeddings`.
    """
    started = time.monotonic_ns()
    served = await find_served(
        context,
        model_name,
        unnamed=unnamed,
        not_found=NotFound(f'model "{model_name}" not found, try pulling it first'),
        any_case=any_case,
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
        vectors, tokens = await _vectors(job, inputs, truncate=truncate)
    return Embedded(
        vectors=shortened(vectors, dimensions),
        prompt_tokens=tokens,
        load_duration=job.load_duration,
        total_duration=time.monotonic_ns() - started,
    )


async def _vectors(job: Job, inputs: Sequence[str], *, truncate: bool) -> tuple[Vectors, int]:
    engine = job.loaded.engine
    if not inputs:
        return np.zeros((0, engine.n_embd), np.float32), 0
    if not job.served.can("embedding"):
        raise NoEmbeddings
    texts = await in_prompt_thread(_tokens, job, inputs, truncate)
    vectors = await job.loaded.bridge.vectors(lambda number: engine.embed(number, texts))
    return vectors, sum(map(len, texts))


def _tokens(job: Job, inputs: Sequence[str], truncate: bool) -> list[list[int]]:
    """The tokens of each text. Raises `BadRequest` for one that is too long."""
    texts = [job.tokenize(text) for text in inputs]
    if not truncate and any(len(tokens) > job.num_ctx for tokens in texts):
        raise BadRequest(TOO_LONG)
    special = job.tokenizer.special_ids
    return [cut_tokens(tokens, job.num_ctx, special) for tokens in texts]
