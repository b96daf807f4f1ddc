"""Argument text as values, by the types that the tool's schema declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from ollamars.prompts.gotemplate.strconv import parse_float
from ollamars.prompts.messages import Tool
from ollamars.prompts.parsers.calls import BadJson, decode, sorted_inside

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_LIMIT: Final = 2**63
_MAX_DIGITS: Final = 40
_BOOLEANS: Final = {"true": True, "false": False}


class _NoValueError(ValueError):
    """The text is not of the type."""


def declared(tools: Sequence[Tool], name: str) -> Tool | None:
    """The tool of a name."""
    return next((tool for tool in tools if tool.name == name), None)


def types_of(tool: Tool | None, parameter: str) -> list[str]:
    """The types of a parameter; those of the branches where it has `anyOf`."""
    properties = tool.parameters.properties if tool else None
    item = (properties or {}).get(parameter)
    if item is None:
        return []
    if item.any_of:
        return [name for branch in item.any_of for name in branch.type]
    return list(item.type)


def coerce_lines(text: str, types: Sequence[str]) -> Any:
    """`coerce` without one line break at each end of the text."""
    return coerce(text.removeprefix("\n").removesuffix("\n"), types)


def coerce(text: str, types: Sequence[str]) -> Any:
    """The value of an argument's text: of the first type that it fits, else the text.

    Types are tried in the order boolean, integer, number, array, object. `null` is null whatever
    the type. Where boolean is the only type, all that is not `true` is false.
    """
    if text.lower() == "null":
        return None
    for name, read in _READERS.items():
        if name in types:
            try:
                return read(text)
            except _NoValueError:
                if len(types) == 1:
                    return False if name == "boolean" else text
    return text


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise _NoValueError from None


def integer(text: str) -> int:
    """A whole number of 64 bits. Raises `ValueError`."""
    if not _INTEGER.fullmatch(text) or len(text.lstrip("+-0")) > _MAX_DIGITS:
        raise _NoValueError
    value = int(text.lstrip("+-0") or "0")
    value = -value if text.startswith("-") else value
    if not -_LIMIT <= value < _LIMIT:
        raise _NoValueError
    return value


def _number(text: str) -> int | float:
    """A number; a whole one is an integer if it has 64 bits. Infinite is none."""
    value = parse_float(text)
    if value is None:
        raise _NoValueError
    return int(value) if value.is_integer() and -_LIMIT <= value < _LIMIT else value


def _json(kind: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = decode(text)
        except BadJson:
            raise _NoValueError from None
        if not isinstance(value, kind):
            raise _NoValueError
        return sorted_inside(value)

    return read


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "boolean": _boolean,
    "integer": integer,
    "number": _number,
    "array": _json(list),
    "object": _json(dict),
}
