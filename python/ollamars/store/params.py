"""Parameters typed from text, as a Modelfile or `/set parameter` gives them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ollamars.config import parse_bool, parse_int64
from ollamars.errors import BadRequest
from ollamars.store.gotext import round_float32, shortest_float32

PARAMETER_TYPES: dict[str, str] = {
    "num_keep": "int",
    "seed": "int",
    "num_predict": "int",
    "top_k": "int",
    "top_p": "float",
    "min_p": "float",
    "typical_p": "float",
    "repeat_last_n": "int",
    "temperature": "float",
    "repeat_penalty": "float",
    "presence_penalty": "float",
    "frequency_penalty": "float",
    "stop": "strings",
    "num_ctx": "int",
    "num_batch": "int",
    "num_gpu": "int",
    "main_gpu": "int",
    "use_mmap": "bool",
    "num_thread": "int",
    "draft_num_predict": "int",
}
"""Every option of a model and the type of its value."""

DEPRECATED_PARAMETERS = (
    "penalize_newline",
    "low_vram",
    "f16_kv",
    "logits_all",
    "vocab_only",
    "use_mlock",
    "mirostat",
    "mirostat_tau",
    "mirostat_eta",
)
"""Parameters that a Modelfile may name and that are left out with a warning."""

_DECIMAL = re.compile(r"[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?", re.ASCII)
_HEXADECIMAL = re.compile(
    r"([+-]?)0[xX](?:_?([0-9a-fA-F][0-9a-fA-F_]*)?\.?([0-9a-fA-F_]*))[pP]([+-]?\d[\d_]*)", re.ASCII
)
_LONE_UNDERSCORE = re.compile(r"_(?![0-9])|(?<![0-9])_")
_LONE_HEX_UNDERSCORE = re.compile(r"_(?![0-9a-fA-F])|(?<![0-9a-fA-FxX])_")


def parse_float32(text: str) -> float:
    """A number in any form that Go reads (also hexadecimal), rounded to float32.

    The result is the float64 with the same shortest text. Raises `ValueError` for other texts and
    for values that a float32 cannot hold; also for `inf` and `nan`, which JSON cannot write.
    """
    value = _parse_float(text)
    if not math.isfinite(value) or not math.isfinite(round_float32(value)):
        raise ValueError(f"invalid float {text!r}")
    return shortest_float32(value)


def _parse_float(text: str) -> float:
    plain = text.replace("_", "")
    if _DECIMAL.fullmatch(text) and not _LONE_UNDERSCORE.search(text):
        return float(plain)
    match = _HEXADECIMAL.fullmatch(text)
    if match and (match[2] or match[3]) and not _LONE_HEX_UNDERSCORE.search(text):
        try:
            return float.fromhex(plain)
        except OverflowError:
            return math.inf
    raise ValueError(f"invalid float {text!r}")


_READERS: dict[str, Callable[[str], Any]] = {
    "int": parse_int64,
    "float": parse_float32,
    "bool": parse_bool,
}


def format_params(params: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Typed values of parameters: the first text of each, all texts of `stop`.

    Raises `BadRequest` with Ollama's text for an unknown name or a text of another type.
    """
    return {name: format_param(name, texts) for name, texts in params.items()}


def format_param(name: str, texts: Sequence[str]) -> Any:
    """The typed value of one parameter; see `format_params`."""
    kind = PARAMETER_TYPES.get(name)
    if kind is None:
        raise BadRequest(f"unknown parameter '{name}'")
    if kind == "strings":
        return list(texts)
    try:
        return _READERS[kind](texts[0])
    except ValueError:
        raise BadRequest(f"invalid {kind} value [{' '.join(texts)}]") from None
