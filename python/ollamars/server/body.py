"""Reading a JSON body into a typed request, as Go's decoder does it.

A request is a dataclass; its fields are the table that the reader follows (`json_reader`). The JSON
name of a field is its own unless `named` gives another. Only the first JSON value of the body is
read; names match without regard to case; of a repeated name the last wins; `null` leaves a field at
its default; unknown names are ignored. Of several values of a wrong type the first one is reported.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in the stubs
from typing import Any, TypeVar

from ollamars.errors import BadRequest
from ollamars.server.asgi import current_request
from ollamars.server.json_reader import RawJson, Reader, fill, named, read_object
from ollamars.server.threads import in_thread
from ollamars.server.zstd import decompress
from ollamars.store.gosyntax import SyntaxFault, first_value, replace_surrogates

__all__ = ["RawJson", "decode", "named", "read_body"]

JSON_LIMIT = 256 << 20
"""Bytes of the largest JSON body: images come as base64."""

T = TypeVar("T")

_SPACE = re.compile(r"[ \t\r\n]*")
_UTF8_SPACE = b" \t\r\n"


async def read_body(kind: type[T], *, empty: str = "missing request body", zstd: bool = False) -> T:
    """The JSON body of the current request as an instance of the dataclass `kind`.

    `zstd`: the body may be compressed so. Raises `BadRequest`, with the text `empty` where there is
    no body, and werkzeug's 413 and 408.
    """
    request = current_request()
    request.body.limit = JSON_LIMIT
    data = await request.body
    if zstd and request.headers.get("Content-Encoding") == "zstd":
        data = await in_thread(decompress, data)
    return decode(data, kind, empty=empty)


def decode(data: bytes, kind: type[T], *, empty: str = "missing request body") -> T:
    """Read `data`; see `read_body`. Raises `BadRequest`."""
    if not data.strip(_UTF8_SPACE):
        raise BadRequest(empty)
    reader = Reader()
    try:
        value = _read_top(reader, data, kind)
    except SyntaxFault as fault:
        raise BadRequest(str(fault)) from None
    if reader.fault is not None:
        raise reader.fault
    return value


def _read_top(reader: Reader, data: bytes, kind: type[T]) -> T:
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
    clean = replace_surrogates if "\\u" in text else _same
    cleaned = [(clean(name), clean(value), place) for name, value, place in members]
    return fill(reader, kind, cleaned, text=text)


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
