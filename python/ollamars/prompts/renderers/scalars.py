"""Values outside JSON, as Go's `fmt` prints them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ollamars.prompts.gotemplate.strconv import format_general
from ollamars.prompts.renderers import json

_LIMIT = 2.0**63


def number(value: float) -> str:
    """A number in the shortest form of `%g`: `1`, `0.5`, `1e+06`."""
    value = json.float64(value)
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    return sign + format_general(abs(value))


def whole_number(value: float) -> str:
    """A number; a whole one as an integer."""
    value = json.float64(value)
    if -_LIMIT <= value < _LIMIT and value == int(value):
        return str(int(value))
    return number(value)


def plain(value: Any) -> str:
    """A value as text: strings bare, objects and lists as JSON, None as `null`."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list | tuple | bool):
        return json.compact(value)
    return number(value)


def notation(value: Any, quote: str, null: str) -> str:
    """A value in Gemma's notation: bare keys, sorted; strings between two `quote`."""
    if value is None:
        return null
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote + value + quote
    if isinstance(value, dict):
        return members(value, lambda item: notation(item, quote, null))
    if isinstance(value, list | tuple):
        return "[" + ",".join(notation(item, quote, null) for item in value) + "]"
    return whole_number(value)


def members(values: dict[str, Any], write: Callable[[Any], str]) -> str:
    """Sorted `key:value` pairs in braces."""
    return "{" + ",".join(f"{key}:{write(values[key])}" for key in sorted(values)) + "}"
