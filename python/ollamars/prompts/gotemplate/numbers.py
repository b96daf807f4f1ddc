"""Number constants. Their type is known only from their text."""

from __future__ import annotations

import re

from ollamars.prompts.gotemplate.strconv import parse_float, parse_integer, quote, unquote_char
from ollamars.prompts.gotemplate.tokens import Kind


class NumberError(ValueError):
    """A number that cannot be read."""


_HEX_INTEGER = re.compile(r"0[xX][^pP]+")
_COMPLEX = re.compile(r"(?P<real>.*[^eEpP+-])(?P<imaginary>[+-].*)i")


def number_value(text: str, kind: Kind) -> int | float | complex | None:
    """The value of a constant: int, float64 or complex128; None if it overflows int.

    Raises `NumberError` or, for characters, `QuoteError`.
    """
    if kind is Kind.CHAR_CONSTANT:
        code, tail = unquote_char(text)
        if tail != "'":
            raise NumberError(f"malformed character constant: {text}")
        return code
    if kind is Kind.COMPLEX:
        return _complex_value(text)
    if text.endswith("i"):
        imaginary = parse_float(text[:-1])
        if imaginary is not None:
            return complex(0, imaginary)
    return _real_value(text)


def _real_value(text: str) -> int | float | None:
    integer = parse_integer(text)
    if integer is not None and -(2**63) <= integer < 2**64:
        return integer if integer < 2**63 else None
    value = parse_float(text)
    is_float = any(char in text for char in ".eEpP") and not _HEX_INTEGER.fullmatch(text)
    if value is None or (not is_float and _HEX_INTEGER.fullmatch(text)):
        raise NumberError(f"illegal number syntax: {quote(text)}")
    if not is_float:
        raise NumberError(f"integer overflow: {quote(text)}")
    return value


def _complex_value(text: str) -> complex:
    match = _COMPLEX.fullmatch(text)
    parts = [parse_float(part) for part in match.groups()] if match else [None]
    if None in parts:
        raise NumberError("syntax error scanning complex number")
    real, imaginary = parts
    assert real is not None
    assert imaginary is not None
    return complex(real, imaginary)
