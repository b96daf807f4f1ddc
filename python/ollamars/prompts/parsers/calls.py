"""The JSON of calls: read as Go reads it, and written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ollamars.prompts.messages import ToolCall
from ollamars.store import gojson

NULL: Final[Mapping[str, Any]] = MappingProxyType({})
"""The arguments of a call whose JSON says `null`."""

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class BadJson(ValueError):
    """Text that is not JSON, or not the JSON that is wanted."""


def decode(text: str) -> Any:
    """A JSON value; numbers are floats. Raises `BadJson`."""
    try:
        value = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error) or "nested too deeply") from None
    return _without_surrogates(value) if "\\u" in text else value


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise BadJson(f"number out of range: {text}")
    return value


def _constant(text: str) -> Any:
    raise BadJson(f"invalid value {text}")


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        items = value.items()
        return {_without_surrogates(key): _without_surrogates(item) for key, item in items}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def is_json(text: str) -> bool:
    """Is the text one JSON value?"""
    try:
        decode(text)
    except BadJson:
        return False
    return True


def sorted_inside(value: Any) -> Any:
    """A value whose objects have sorted keys."""
    if isinstance(value, dict):
        return {key: sorted_inside(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [sorted_inside(item) for item in value]
    return value


def arguments(value: Any) -> Mapping[str, Any]:
    """Arguments: keys in their order, objects inside them sorted. Raises `BadJson`."""
    if value is None:
        return NULL
    if not isinstance(value, dict):
        raise BadJson(f"arguments must be an object, not {gojson.dumps(value).decode()[:40]}")
    return {key: sorted_inside(item) for key, item in value.items()}


def decode_arguments(text: str) -> Mapping[str, Any]:
    """Arguments from JSON text. Raises `BadJson`."""
    return arguments(decode(text))


def struct(value: Any, names: Mapping[str, type]) -> dict[str, Any]:
    """The members of a JSON object that have one of the names, whatever their case.

    `str` members must be strings and `int` members whole numbers; `dict` stands for arguments.
    Null counts as absent, but not for arguments. Raises `BadJson`.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadJson("a call must be an object")
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = key if key in names else key.lower()
        kind = names.get(name)
        if kind is dict:
            found[name] = arguments(item)
        elif kind is not None and item is not None:
            if not isinstance(item, str if kind is str else float):
                raise BadJson(f"{name} must be of type {kind.__name__}")
            if isinstance(item, float) and not item.is_integer():
                raise BadJson(f"{name} must be a whole number")
            found[name] = item
    return found


def client_arguments(call: ToolCall) -> dict[str, Any] | None:
    """The arguments of a call as a client gets them; None stands for JSON's null."""
    return None if call.arguments is NULL else dict(call.arguments)


def arguments_json(call: ToolCall) -> str:
    """The JSON text of what `client_arguments` gives."""
    return gojson.dumps(client_arguments(call)).decode()
