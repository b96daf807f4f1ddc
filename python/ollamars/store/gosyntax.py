"""JSON as Go's decoder reads it: the first value of a text, and Go's words for what is wrong.

Manifests and configurations may be written by other programs; readers take the first value in a
file and ignore what follows.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ollamars.store.gotext import quote

_SPACE = " \t\r\n"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_ESCAPES = 'bfnrt\\/"'
_HEX = frozenset("0123456789abcdefABCDEF")
_NUMBER_GOES_ON = (".", "e", "E")
_ENDED = ("EOF", "unexpected EOF")
_LITERALS = {"t": "true", "f": "false", "n": "null"}


TOO_DEEP = "exceeded max depth"
"""Go's words for values inside of values without end."""


class SyntaxFault(ValueError):
    """A text that is no JSON, in the words of Go's decoder (`unexpected EOF`)."""


def _refuse(text: str) -> Any:
    raise ValueError(text)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def first_value(data: bytes) -> Any:
    """The first JSON value in `data`; what follows it is ignored. Raises `SyntaxFault`.

    A byte that is no UTF-8 and a lone surrogate become U+FFFD; of a repeated key the last wins.
    """
    return _decode(data)[0]


def only_value(data: bytes) -> Any:
    """The JSON value that `data` is, with nothing behind it but white space.

    Like `first_value`; raises `SyntaxFault` in the words that Go has for whole texts.
    """
    try:
        value, rest = _decode(data)
    except SyntaxFault as fault:
        if str(fault) in _ENDED:
            raise SyntaxFault("unexpected end of JSON input") from None
        raise
    if rest:
        raise _Scanner(rest).fault(0, "after top-level value")
    return value


def _decode(data: bytes) -> tuple[Any, str]:
    """The first value, and the text behind it from its first character on."""
    text = data.decode("utf-8", "replace")
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        _check(data)
        raise SyntaxFault("invalid JSON value") from None
    if text[end : end + 1] in _NUMBER_GOES_ON and isinstance(value, (int, float)):
        _check(data)
    try:
        clean = replace_surrogates(value) if "\\u" in text else value
    except RecursionError:
        raise SyntaxFault(TOO_DEEP) from None
    return clean, text[end:].lstrip(_SPACE)


def _check(data: bytes) -> None:
    """Raise `SyntaxFault` for the first fault; Go names the byte that is wrong."""
    try:
        _Scanner(data.decode("latin-1")).value(0)
    except RecursionError:
        raise SyntaxFault(TOO_DEEP) from None


def replace_surrogates(value: Any) -> Any:
    """Decoded JSON with every lone surrogate turned into U+FFFD."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, dict):
        return {replace_surrogates(key): replace_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_surrogates(item) for item in value]
    return value


class _Scanner:
    """Finds the first fault of a text that could not be decoded."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fault(self, at: int, context: str) -> SyntaxFault:
        if at >= len(self.text):
            blank = not self.text.strip(_SPACE)
            return SyntaxFault("EOF" if blank else "unexpected EOF")
        char = self.text[at]
        shown = {"'": "'\\''", '"': "'\"'"}.get(char, f"'{quote(char)[1:-1]}'")
        return SyntaxFault(f"invalid character {shown} {context}")

    def char(self, at: int) -> str:
        return self.text[at : at + 1]

    def skip(self, at: int) -> int:
        while self.char(at) and self.char(at) in _SPACE:
            at += 1
        return at

    def value(self, at: int) -> int:
        """Check the value at `at`; the position after it."""
        at = self.skip(at)
        char = self.char(at)
        if char == "{":
            return self.object(at + 1)
        if char == "[":
            return self.array(at + 1)
        if char == '"':
            return self.string(at + 1)
        if char in _LITERALS and char:
            return self.literal(at, _LITERALS[char])
        if char == "-" or (char.isascii() and char.isdigit()):
            return self.number(at)
        raise self.fault(at, "looking for beginning of value")

    def object(self, at: int) -> int:
        at = self.skip(at)
        if self.char(at) == "}":
            return at + 1
        while True:
            at = self.skip(at)
            if self.char(at) != '"':
                raise self.fault(at, "looking for beginning of object key string")
            at = self.skip(self.string(at + 1))
            if self.char(at) != ":":
                raise self.fault(at, "after object key")
            at = self.skip(self.value(at + 1))
            if self.char(at) == "}":
                return at + 1
            if self.char(at) != ",":
                raise self.fault(at, "after object key:value pair")
            at += 1

    def array(self, at: int) -> int:
        at = self.skip(at)
        if self.char(at) == "]":
            return at + 1
        while True:
            at = self.skip(self.value(at))
            if self.char(at) == "]":
                return at + 1
            if self.char(at) != ",":
                raise self.fault(at, "after array element")
            at += 1

    def string(self, at: int) -> int:
        while True:
            char = self.char(at)
            if char == '"':
                return at + 1
            if char == "\\":
                at = self.escape(at + 1)
            elif not char or char < " ":
                raise self.fault(at, "in string literal")
            else:
                at += 1

    def escape(self, at: int) -> int:
        if self.char(at) == "u":
            for place in range(at + 1, at + 5):
                if self.char(place) not in _HEX:
                    raise self.fault(place, "in \\u hexadecimal character escape")
            return at + 5
        if not self.char(at) or self.char(at) not in _ESCAPES:
            raise self.fault(at, "in string escape code")
        return at + 1

    def literal(self, at: int, word: str) -> int:
        for offset, expected in enumerate(word):
            if self.char(at + offset) != expected:
                raise self.fault(at + offset, f"in literal {word} (expecting '{expected}')")
        return at + len(word)

    def number(self, at: int) -> int:
        match = _NUMBER.match(self.text, at)
        if match is None:
            raise self.fault(at + 1, "in numeric literal")
        end = match.end()
        if self.char(end) == "." and match[2] is None and match[3] is None:
            raise self.fault(end + 1, "after decimal point in numeric literal")
        if self.char(end) in ("e", "E") and match[3] is None:
            signed = self.char(end + 1) in ("+", "-") and self.char(end + 1) != ""
            raise self.fault(end + 1 + signed, "in exponent of numeric literal")
        return end
