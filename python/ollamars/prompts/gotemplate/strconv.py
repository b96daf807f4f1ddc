"""Go's strings, numbers and quotes, as `strconv` reads and writes them.

A Go string is a run of bytes. Here it is a `str` whose bytes that are not UTF-8 are lone surrogates
(`surrogateescape`), which keeps ordinary text ordinary.
"""

from __future__ import annotations

import re
import struct
from decimal import Decimal
from typing import Final

_NOT_A_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
_QUOTED: Final = {value: "\\" + name for name, value in _ESCAPES.items()}
_HEX_LENGTHS: Final = {"x": 2, "u": 4, "U": 8}
_HEX = re.compile("[0-9a-fA-F]+")
_OCTAL = re.compile("[0-7]{3}")


class QuoteError(ValueError):
    """A quoted text that breaks Go's rules."""


def to_bytes(text: str) -> bytes:
    """The bytes of a Go string. A surrogate that stands for no byte becomes U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return _NOT_A_BYTE.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """A Go string of these bytes."""
    return data.decode("utf-8", "surrogateescape")


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and _SURROGATE.search(text) is not None


def canonical(text: str) -> str:
    """The one form of a string that was joined from parts: bytes that make a character are one."""
    return from_bytes(to_bytes(text)) if _has_surrogate(text) else text


def replace_bad_bytes(text: str) -> str:
    """The string with U+FFFD for each byte that is not UTF-8."""
    if not _has_surrogate(text):
        return text
    return _SURROGATE.sub("\ufffd", canonical(text))


def byte_length(text: str) -> int:
    """Length in bytes."""
    return len(text) if text.isascii() else len(to_bytes(text))


def quote(text: str, *, ascii_only: bool = False) -> str:
    """`strconv.Quote` (`QuoteToASCII`)."""
    return '"' + "".join(_quoted(char, '"', ascii_only) for char in text) + '"'


def quote_rune(code: int, *, ascii_only: bool = False) -> str:
    """`strconv.QuoteRune`; a code that is no character is U+FFFD."""
    return "'" + _quoted(rune(code), "'", ascii_only) + "'"


def rune(code: int) -> str:
    """The character of a code; U+FFFD where there is none."""
    return chr(code) if 0 <= code < 0xD800 or 0xE000 <= code < 0x110000 else "\ufffd"


def is_print(char: str) -> bool:
    """`unicode.IsPrint`."""
    return char.isprintable()


def _quoted(char: str, delimiter: str, ascii_only: bool) -> str:
    if char == delimiter:
        return "\\" + char
    if char in _QUOTED:
        return _QUOTED[char]
    code = ord(char)
    if char.isprintable() and (code < 0x80 or not ascii_only):
        return char
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote(literal: str) -> str:
    """The value of a Go string literal. Raises `QuoteError`."""
    delimiter, body = literal[0], literal[1:-1]
    if delimiter == "`":
        return body.replace("\r", "")
    if "\\" not in body:
        return body
    parts: list[str] = []
    start = 0
    while (at := body.find("\\", start)) >= 0:
        parts.append(body[start:at])
        piece, start = _escape(body, at, delimiter)
        parts.append(piece)
    parts.append(body[start:])
    return canonical("".join(parts))


def unquote_char(literal: str) -> tuple[int, str]:
    """Code of the first character of `'…'` and what follows it. Raises `QuoteError`."""
    body = literal[1:]
    if body[:1] in ("'", ""):
        raise QuoteError("invalid syntax")
    if body[0] != "\\":
        return ord(body[0]), body[1:]
    piece, end = _escape(body, 0, "'")
    code = ord(piece)
    return (code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code), body[end:]


def _escape(body: str, at: int, delimiter: str) -> tuple[str, int]:
    """The character that the backslash at `at` begins, and where it ends."""
    name = body[at + 1 : at + 2]
    if name in _ESCAPES:
        return _ESCAPES[name], at + 2
    if name == delimiter:
        return name, at + 2
    if name in _HEX_LENGTHS:
        end = at + 2 + _HEX_LENGTHS[name]
        digits = body[at + 2 : end]
        if len(digits) == end - at - 2 and _HEX.fullmatch(digits):
            code = int(digits, 16)
            return (_byte(code) if name == "x" else _character(code)), end
    elif octal := _OCTAL.match(body, at + 1):
        return _byte(int(octal.group(), 8)), at + 4
    raise QuoteError("invalid syntax")


def _byte(code: int) -> str:
    if code > 255:
        raise QuoteError("invalid syntax")
    return chr(code) if code < 0x80 else chr(0xDC00 + code)


def _character(code: int) -> str:
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise QuoteError("invalid syntax")
    return chr(code)


_INT = re.compile(
    r"(?P<sign>[+-]?)(0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)"
    r"|(?P<dec>[1-9][0-9]*|0))"
)
_BASES: Final = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_DECIMAL_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_HEX_FLOAT = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_PREFIXES: Final = ("0x", "0X", "0o", "0O", "0b", "0B")
_LONE_UNDERSCORE = re.compile(r"(?<![0-9])_|_(?![0-9])")
_LONE_UNDERSCORE_HEX = re.compile(r"(?<![0-9a-fA-F])_|_(?![0-9a-fA-F])")
_MAX_DIGITS: Final = 400


def _without_underscores(text: str) -> str | None:
    """The number without the underscores in it; None where one is not between two digits.

    One may also stand between the prefix of a base and the first digit.
    """
    if "_" not in text:
        return text
    rest = text.lstrip("+-")
    is_hex = rest[:2] in ("0x", "0X")
    if rest[:2] in _PREFIXES:
        rest = "0" + rest[2:]
    not_between_digits = _LONE_UNDERSCORE_HEX if is_hex else _LONE_UNDERSCORE
    return None if not_between_digits.search(rest) else text.replace("_", "")


def parse_integer(text: str) -> int | None:
    """`strconv.ParseInt` with base 0, of any size; None where it is not an integer."""
    plain = _without_underscores(text)
    if plain is None:
        return None
    match = _INT.fullmatch(plain)
    if match is None or len(plain) > _MAX_DIGITS:
        return None
    digits, base = next((match[name], base) for name, base in _BASES.items() if match[name])
    value = int(digits, base)
    return -value if match["sign"] == "-" else value


def parse_float(text: str) -> float | None:
    """`strconv.ParseFloat`; None where it is not a number or too large."""
    plain = _without_underscores(text)
    if plain is None:
        return None
    try:
        if _HEX_FLOAT.fullmatch(plain):
            value = float.fromhex(plain)
        elif _DECIMAL_FLOAT.fullmatch(plain):
            value = float(plain)
        else:
            return None
    except OverflowError:
        return None
    return None if value in (float("inf"), float("-inf")) else value


def shortest_digits(value: float, *, single: bool = False) -> tuple[str, int]:
    """Digits of the shortest decimal that reads back as `value` (finite, >= 0), and the exponent
    of the first digit. With `single`, it need only read back as a 32-bit float."""
    if value == 0:
        return "0", 0
    text = repr(value)
    if single:
        packed = struct.pack("<f", value)
        for precision in range(9):
            text = f"{value:.{precision}e}"
            if struct.pack("<f", float(text)) == packed:
                break
    _, digits, exponent = Decimal(text).as_tuple()
    joined = "".join(map(str, digits))
    return joined.rstrip("0"), len(joined) + int(exponent) - 1


def exponent_text(exponent: int) -> str:
    """`e+06`."""
    return f"e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def format_shortest(value: float, low: int, high: int, *, single: bool = False) -> str:
    """Shortest text: with an exponent where the first digit's is below `low` or from `high` on."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if str(value).startswith("-") else ""
    digits, exponent = shortest_digits(abs(value), single=single)
    if exponent < low or exponent >= high:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        return sign + digits[0] + fraction + exponent_text(exponent)
    if exponent < 0:
        return sign + "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    rest = digits[exponent + 1 :]
    return sign + whole + ("." + rest if rest else "")


def format_general(value: float, *, single: bool = False) -> str:
    """`strconv.FormatFloat(value, 'g', -1, …)`: what `%v` prints."""
    return format_shortest(value, -4, 6, single=single)
