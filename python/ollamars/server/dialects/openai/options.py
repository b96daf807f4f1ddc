"""Fields that several requests share, as the options and arguments of a call."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Think
from ollamars.server.json_reader import Custom, WrongType
from ollamars.store.gotext import quote

_EFFORTS: Mapping[str, Think] = {
    "": None,
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "ultra": "max",
    "max": "max",
}


def think_of_effort(effort: str) -> Think:
    """How much a model shall think. Raises `BadRequest`."""
    try:
        return _EFFORTS[effort]
    except KeyError:
        raise BadRequest(
            f'invalid reasoning value: {quote(effort)} (must be "minimal", "low", "medium", '
            '"high", "xhigh", "ultra", "max", or "none")'
        ) from None


def stop_texts(stop: Any) -> list[Any] | None:
    """The items of a `stop` that is one text or a list; None for nothing of the kind."""
    if isinstance(stop, str):
        return [stop]
    return stop if isinstance(stop, list) and stop else None


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a request sets."""
    return {name: value for name, value in options.items() if value is not None}


_GO_TYPES: Mapping[type, str] = {
    type(None): "<nil>",
    bool: "bool",
    int: "float64",
    float: "float64",
    list: "[]interface {}",
    dict: "map[string]interface {}",
}


def go_type(value: Any) -> str:
    """What Go calls the type of decoded JSON that is no text."""
    return _GO_TYPES[type(value)]


def read_float32(value: Any) -> float:
    """A number that fits 32 bits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongType
    try:
        struct.pack("<f", value)
    except OverflowError:
        raise WrongType from None
    return float(value)


Float32: TypeAlias = Annotated[float, Custom(read_float32, "float32")]
