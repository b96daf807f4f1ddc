"""Go's `encoding/json`: compact, sorted keys, `<`, `>` and `&` escaped."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Final

from ollamars.prompts.gotemplate.strconv import canonical, format_shortest
from ollamars.prompts.gotemplate.types import UINT8, Kind
from ollamars.prompts.gotemplate.values import (
    Value,
    element,
    field,
    is_true,
    length,
    sorted_items,
    unwrap,
)


class JsonError(ValueError):
    """A value that JSON cannot hold."""


_ESCAPED = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029\ud800-\udfff]')
_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


def encode(value: Value) -> str:
    """The JSON text of a value. Raises `JsonError`."""
    if value.type.json is not None:
        return value.type.json(value.data)
    return _KINDS[value.kind](value)


def encode_string(text: str) -> str:
    """A JSON string."""
    return '"' + _ESCAPED.sub(_escape, canonical(text)) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if "\ud800" <= char <= "\udfff":  # a byte that is not UTF-8
        return "\\ufffd"
    return _ESCAPES.get(char) or f"\\u{ord(char):04x}"


def _number(value: Value) -> str:
    return str(value.data)


def _float(value: Value) -> str:
    text = format_shortest(value.data, -6, 21, single=value.type.bits == 32)
    if text[-1] in "fN":  # Inf, NaN
        raise JsonError(f"unsupported value: {text}")
    return re.sub(r"e-0(\d)$", r"e-\1", text)


def _complex(_value: Value) -> str:
    raise JsonError("unsupported type: complex128")


def _slice(value: Value) -> str:
    if value.data is None:
        return "null"
    if value.type.elem is UINT8:
        return f'"{base64.b64encode(bytes(value.data)).decode()}"'
    return "[" + ",".join(encode(element(value, i)) for i in range(length(value))) + "]"


def _map(value: Value) -> str:
    if value.data is None:
        return "null"
    key = value.type.key
    if key is None or key.kind not in (Kind.STRING, Kind.INT, Kind.UINT):
        raise JsonError(f"unsupported type: {value.type.name}")
    items = [(str(item_key.data), item) for item_key, item in sorted_items(value)]
    if key.kind is not Kind.STRING:
        items.sort(key=lambda item: item[0])
    return "{" + ",".join(f"{encode_string(name)}:{encode(item)}" for name, item in items) + "}"


def _struct(value: Value) -> str:
    parts: list[str] = []
    for index, declared in enumerate(value.type.fields):
        item = field(value, index)
        if declared.omit_empty and _is_empty(item):
            continue
        parts.append(f"{encode_string(declared.json or declared.name)}:{encode(item)}")
    return "{" + ",".join(parts) + "}"


def _is_empty(value: Value) -> bool:
    """Is it empty for `omitempty`? An interface is only if it holds nothing."""
    if value.kind in (Kind.INTERFACE, Kind.POINTER):
        return value.data is None
    return value.kind is not Kind.STRUCT and not is_true(value)


def _interface(value: Value) -> str:
    inner = unwrap(value)
    return encode(inner) if inner.is_valid else "null"


def _pointer(value: Value) -> str:
    if value.data is None or value.type.elem is None:
        return "null"
    return encode(Value(value.type.elem, value.data))


_KINDS: Final[dict[Kind, Callable[[Value], str]]] = {
    Kind.INVALID: lambda _value: "null",
    Kind.BOOL: lambda value: "true" if value.data else "false",
    Kind.INT: _number,
    Kind.UINT: _number,
    Kind.FLOAT: _float,
    Kind.COMPLEX: _complex,
    Kind.STRING: lambda value: encode_string(value.data),
    Kind.SLICE: _slice,
    Kind.MAP: _map,
    Kind.STRUCT: _struct,
    Kind.INTERFACE: _interface,
    Kind.POINTER: _pointer,
}
