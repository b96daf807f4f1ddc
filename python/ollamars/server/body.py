"""Reading a JSON body into a typed request, as Go's decoder does it.

A request is a dataclass; its fields are the table that the reader follows (`json_reader`). The JSON
name of a field is its own unless `named` gives another. Only the first JSON value of the body is
read; names match without regard to case; of a repeated name the last wins; `null` leaves a field at
its default; unknown names are ignored. Of several values of a wrong type the first one is reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in the stubs
from typing import Any, TypeVar

from ollamars.errors import BadRequest
from ollamars.server.asgi import current_request
from ollamars.server.context import current_context
from ollamars.server.json_reader import RawJson, Reader, fill, named, read_object
from ollamars.server.threads import in_thread
from ollamars.server.zstd import decompress
from ollamars.store.gosyntax import TOO_DEEP, SyntaxFault, first_value, replace_surrogates

__all__ = ["RawJson", "decode", "named", "read_body"]

MAX_DEPTH = 200
"""How deep values may lie in each other where nothing else is said."""

T = TypeVar("T")

_SPACE = re.compile(r"[ \t\r\n]*")
_UTF8_SPACE = b" \t\r\n"
_CONTAINERS = (dict, list)


async def read_body(kind: type[T], *, empty: str = "missing request body", zstd: bool = False) -> T:
    """The JSON body of the current request as an instance of the dataclass `kind`.

    `zstd`: the body may be compressed so; other encodings are not looked at. Raises `BadRequest`,
    with the text `empty` where there is no body, and werkzeug's 413 and 408.
    """
    request, limits = current_request(), current_context().config
    compressed = zstd and request.headers.get("Content-Encoding") == "zstd"
    limit = limits.max_decompressed if compressed else limits.max_body
    request.body.limit = limit
    data = await request.body
    if compressed:
        data = await in_thread(decompress, data, limit)
    return decode(data, kind, empty=empty, max_depth=limits.max_json_depth)


def decode(
    data: bytes,
    kind: type[T],
    *,
    empty: str = "missing request body",
    max_depth: int = MAX_DEPTH,
) -> T:
    """Read `data`; see `read_body`. Raises `BadRequest`, also for more depth than `max_depth`."""
    if not data.strip(_UTF8_SPACE):
        raise BadRequest(empty)
    reader = Reader()
    try:
        value = _read_top(reader, data, kind, max_depth)
    except SyntaxFault as fault:
        raise BadRequest(str(fault)) from None
    if reader.fault is not None:
        raise reader.fault
    return value


def _read_top(reader: Reader, data: bytes, kind: type[T], max_depth: int) -> T:
    text = data.decode("utf-8", "replace")
    start = _skip(text, 0)
    if text[start] != "{":
        value = first_value(data)
        return (
            kind() if value is None else read_object(kind)(reader, value)
        )  # the latter notes a fault
    try:
        members = _members(text, start)
    except (ValueError, IndexError, RecursionError):
        first_value(data)  # says what is wrong
        raise SyntaxFault("invalid JSON value") from None
    if _is_deeper([value for _, value, _ in members], max_depth):
        raise SyntaxFault(f"{TOO_DEEP} of {max_depth}")
    clean = replace_surrogates if "\\u" in text else _same
    cleaned = [(clean(name), clean(value), place) for name, value, place in members]
    return fill(reader, kind, cleaned, text=text)


def _is_deeper(values: Iterable[Any], depth: int) -> bool:
    """Do objects and lists lie in each other more than `depth` deep, `values` in one?"""
    layer = [value for value in values if type(value) in _CONTAINERS]
    for _ in range(depth - 1):
        if not layer:
            return False
        inside = (each.values() if type(each) is dict else each for each in layer)
        layer = [value for each in inside for value in each if type(value) in _CONTAINERS]
    return bool(layer)


def _refuse(text: str) -> Any:
    raise ValueError(text)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _members(text: str, at: int) -> list[tuple[str, Any, slice]]:
    """Name, value and place of the value for each member of the object at `at`, in order.

    Raises `ValueError`, `IndexError` or `RecursionError` where it is no valid object.
    """
    members: list[tuple[str, Any, slice]] = []
    at = _skip(text, at + 1)
    if text[at] == "}":
        return members
    while True:
        name, at = scanstring(text, _after(text, at, '"'), True)
        begin = _skip(text, _after(text, _skip(text, at), ":"))
        value, at = _DECODER.raw_decode(text, begin)
        members.append((name, value, slice(begin, at)))
        at = _skip(text, at)
        if text[at] == "}":
            return members
        at = _skip(text, _after(text, at, ","))


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _after(text: str, at: int, char: str) -> int:
    if text[at] != char:
        raise ValueError(f"expected {char}")
    return at + 1


def _same(value: Any) -> Any:
    return value
