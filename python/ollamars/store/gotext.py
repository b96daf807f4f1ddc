"""Text as Go's standard library writes it: quoting, printable characters, numbers."""

from __future__ import annotations

import math
import struct
import unicodedata
from typing import Any

_SHORT_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def is_print(char: str) -> bool:
    """Is a character printable to Go: a letter, mark, number, sign or U+0020?"""
    return char == " " or unicodedata.category(char)[0] in "LMNPS"


def quote(text: str) -> str:
    """A string in double quotes as `strconv.Quote` (`%q`) writes it."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(char: str) -> str:
    short = _SHORT_ESCAPES.get(char)
    if short is not None:
        return short
    if is_print(char):
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as `surrogateescape` decodes it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def format_value(value: Any) -> str:
    """A decoded JSON value as Go's `%v` prints it; every number is a float64 there."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return format_float(float(value))
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{format_value(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(format_value, value))}]"
    return str(value)


def format_source(value: Any) -> str:
    """A decoded JSON value as Go's `%#v` prints it: strings are quoted, types are named."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, dict):
        items = (f"{quote(key)}:{_item_source(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{', '.join(items)}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_item_source, value))}}}"
    return format_value(value)


def _item_source(value: Any) -> str:
    return "interface {}(nil)" if value is None else format_source(value)


def format_float(value: float, *, low: int = -4, high: int = 6) -> str:
    """The shortest text that reads back as `value`: `0.1`, `1e+06`.

    Exponents below `low` or from `high` on are written in exponent form. The defaults are those of
    `%v`; JSON has -6 and 21.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    digits, exponent = shortest_digits(value)
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if exponent < low or exponent >= high:
        mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    digits = digits.ljust(exponent + 1, "0")
    whole, fraction = digits[: exponent + 1], digits[exponent + 1 :]
    return sign + whole + (f".{fraction}" if fraction else "")


def shortest_digits(value: float) -> tuple[str, int]:
    """Digits without leading or trailing zeros, and the decimal exponent of the first one."""
    if value == 0:
        return "0", 0
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + int(exponent or "0")
    stripped = digits.lstrip("0")
    return stripped.rstrip("0") or "0", point - (len(digits) - len(stripped)) - 1


def round_float32(value: float) -> float:
    """`value` rounded to single precision; out of range becomes infinite."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def shortest_float32(value: float) -> float:
    """The float64 that has the shortest decimal text which reads back as the float32 of `value`.

    Go writes a float32 this way: 0.1 read as float32 is written `0.1`, not `0.10000000149011612`.
    """
    single = round_float32(value)
    if not math.isfinite(single):
        return single
    for places in range(9):
        mantissa, _, exponent = f"{single:.{places}e}".partition("e")
        nearest = int(mantissa.replace(".", ""))
        # Beside a power of two the shortest text need not be the nearest of its length.
        for digits in (nearest, nearest + 1, nearest - 1):
            candidate = float(f"{digits}e{int(exponent) - places}")
            if round_float32(candidate) == single:
                return candidate
    return single
