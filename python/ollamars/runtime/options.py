"""The options of a request: Ollama's names, types and defaults."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ollamars.errors import BadRequest
from ollamars.store.gotext import shortest_float32
from ollamars.store.params import PARAMETER_TYPES

EMBEDDING_BATCH = 2048
"""Tokens of a batch of an embedding model: a text must fit one batch."""
DRAFT_TOKENS = 4
"""Tokens that a draft model proposes at a time."""


class OptionError(BadRequest):
    """An option of a wrong type. Ollama answers 500."""

    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Every option with its default. `num_ctx` 0: not decided yet.

    `num_gpu`, `main_gpu`, `use_mmap` and `draft_num_predict` tell llama.cpp where and how to hold a
    model. Our engine decides that itself: here they make a model load anew, as they do in Ollama,
    and change nothing else.
    """

    num_keep: int = 4
    seed: int = -1
    num_predict: int = -1
    top_k: int = 40
    top_p: float = 0.9
    min_p: float = 0.0
    typical_p: float = 1.0
    repeat_last_n: int = 64
    temperature: float = 0.8
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    stop: list[str] | None = None
    num_ctx: int = 0
    num_batch: int = 512
    num_gpu: int = -1
    main_gpu: int | None = None
    use_mmap: bool | None = None
    num_thread: int = 0
    draft_num_predict: int = DRAFT_TOKENS

    def with_map(self, values: Mapping[str, Any]) -> Options:
        """With the options of a JSON object over these. Unknown names and nulls are ignored.

        Raises `OptionError` for a value of a wrong type.
        """
        return replace(self, **typed(values))

    def sampling(self) -> dict[str, Any]:
        """What the engine is told for each request, by Ollama's names."""
        values = {name: getattr(self, name) for name in SAMPLING}
        return values | {"stop": self.stop or []}


SAMPLING = (
    "num_keep",
    "seed",
    "num_predict",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repeat_last_n",
    "temperature",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
)
"""Options of a single request; the others belong to the loaded model."""


def _int(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise OptionError(f'option "{name}" must be of type integer')
    number = float(value)  # as JSON numbers are to Ollama
    in_range = math.isfinite(number) and -(2.0**63) <= number < 2.0**63
    return int(number) if in_range else -(2**63)


def _float(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise OptionError(f'option "{name}" must be of type float32')
    return shortest_float32(float(value))


def _bool(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise OptionError(f'option "{name}" must be of type boolean')
    return value


def _strings(name: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise OptionError(f'option "{name}" must be of type array')
    if not all(isinstance(item, str) for item in value):
        raise OptionError(f'option "{name}" must be of an array of strings')
    return value


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "int": _int,
    "float": _float,
    "bool": _bool,
    "strings": _strings,
}
_NAMES = {field.name for field in fields(Options)}


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The known options of a JSON object with checked values. Raises `OptionError`."""
    return {
        name: _READERS[PARAMETER_TYPES[name]](name, value)
        for name, value in values.items()
        if name in _NAMES and value is not None
    }


def model_options(
    parameters: Mapping[str, Any] | None,
    request: Mapping[str, Any] | None,
    *,
    default_num_ctx: int,
    capabilities: Collection[str] = ("completion",),
    draft: bool = False,
) -> Options:
    """The options of a request to a model: defaults, the model's parameters, the request's.

    `default_num_ctx` in tokens is taken where neither sets `num_ctx`. Raises `OptionError`.
    """
    given = typed(parameters or {}) | typed(request or {})
    options = replace(
        Options(num_ctx=default_num_ctx, draft_num_predict=DRAFT_TOKENS if draft else 0), **given
    )
    if "embedding" in capabilities and "num_batch" not in given:
        return replace(options, num_batch=min(options.num_ctx, EMBEDDING_BATCH))
    return options
