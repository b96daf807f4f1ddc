"""JSON byte for byte as Go's encoder writes it.

Against plain compact JSON: `<`, `>`, `&`, U+2028 and U+2029 are escaped, a float that is whole has
no fraction, and exponents appear below 1e-6 and from 1e21 on, as `1e-7` and `1e+21`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ollamars.store.gotext import format_float

_ENCODER = msgspec.json.Encoder()
_SORTING_ENCODER = msgspec.json.Encoder(order="sorted")

_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)
_FLOATS = re.compile(
    rb"""
    "(?:[^"\\]++|\\.)*+"               # a string stays
    | \.0(?=[,\]}]|\Z)                 # a fraction of nothing goes
    | -?\d++(?:\.\d++)?+e[-+]?\d++     # an exponent is written anew
    """,
    re.VERBOSE | re.DOTALL,
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: Any, *, sort_keys: bool = False) -> bytes:
    """Encode dicts, lists, strings, numbers, booleans and None (and msgspec structs).

    Keys keep their order; `sort_keys` sorts them in all objects, as Go does with maps. A lone
    surrogate becomes U+FFFD. Raises `TypeError` for other types.
    """
    encoder = _SORTING_ENCODER if sort_keys else _ENCODER
    try:
        data = encoder.encode(value)
    except UnicodeEncodeError:
        value = _without_surrogates(value)
        data = encoder.encode(value)
    if b".0" in data or b"e" in data:
        data = _fix_floats(value, data)
    for char, escape in _ESCAPES:
        if char in data:
            data = data.replace(char, escape)
    return data


def as_float64(value: Any) -> Any:
    """Decoded JSON as Go keeps it in an `any`: every number is a float64."""
    if isinstance(value, dict):
        return {key: as_float64(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_float64(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _fix_floats(value: Any, data: bytes) -> bytes:
    return _FLOATS.sub(_fix_match, data) if _may_hold_float(value) else data


def _fix_match(match: re.Match[bytes]) -> bytes:
    found = match[0]
    if found.startswith(b'"'):
        return found
    return b"" if found == b".0" else json_float(float(found)).encode()


def json_float(value: float) -> str:
    """A finite float as JSON text: `0.1`, `1`, `1e-7`, `1e+21`."""
    return format_float(value, low=-6, high=21).replace("e-0", "e-")


def _may_hold_float(value: Any) -> bool:
    """Is there a float, or something that is not plain JSON and may hold one?"""
    kind = type(value)
    if kind is dict:
        return any(map(_may_hold_float, value.values()))
    if kind is list:
        kinds = set(map(type, value))
        if kinds <= {dict, list, str, int, bool, type(None)}:
            return not kinds.isdisjoint({dict, list}) and any(map(_may_hold_float, value))
        return True
    return kind not in (str, int, bool, type(None))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(item) for item in value]
    return value
