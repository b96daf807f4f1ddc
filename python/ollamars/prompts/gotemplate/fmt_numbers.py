"""How `fmt` writes single numbers and texts under its flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ollamars.prompts.gotemplate.strconv import (
    exponent_text,
    format_general,
    is_print,
    quote,
    quote_rune,
    rune,
)


@dataclass(slots=True)
class Flags:
    """The flags, width and precision of one directive."""

    sharp: bool = False
    zero: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    sharp_v: bool = False
    plus_v: bool = False
    width: int | None = None
    precision: int | None = None


def pad(text: str, flags: Flags, *, zero: bool | None = None) -> str:
    """`text` in the directive's width, counted in characters."""
    if flags.width is None or flags.width <= len(text):
        return text
    if flags.minus:
        return text.ljust(flags.width)
    fill_zero = flags.zero if zero is None else zero
    return text.rjust(flags.width, "0" if fill_zero else " ")


def _truncate(text: str, flags: Flags) -> str:
    return text if flags.precision is None else text[: flags.precision]


def format_text(text: str, flags: Flags) -> str:
    """`%s`."""
    return pad(_truncate(text, flags), flags)


def format_quoted(text: str, flags: Flags) -> str:
    """`%q`."""
    text = _truncate(text, flags)
    if flags.sharp and _can_backquote(text):
        return pad(f"`{text}`", flags)
    return pad(quote(text, ascii_only=flags.plus), flags)


def _can_backquote(text: str) -> bool:
    return not any(
        (char < " " and char != "\t") or char in "`\x7f\ufeff" or "\ud800" <= char <= "\udfff"
        for char in text
    )


def format_hex(data: bytes, verb: str, flags: Flags) -> str:
    """`%x` of a string or of bytes."""
    if flags.precision is not None:
        data = data[: flags.precision]
    if not data:
        return pad("", flags)
    prefix = "0" + verb if flags.sharp else ""
    form = "02" + verb
    if flags.space:
        text = " ".join(prefix + format(byte, form) for byte in data)
    else:
        text = prefix + "".join(format(byte, form) for byte in data)
    return pad(text, flags)


_BASES: Final = {"v": 10, "d": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}
_DIGITS: Final = {2: "b", 8: "o", 10: "d", 16: "x"}
_PREFIXES: Final = {2: "0b", 16: "0x"}


def format_integer(value: int, verb: str, flags: Flags, *, signed: bool) -> str | None:
    """An integer; None if the verb does not fit."""
    if verb == "c":
        return pad(rune(value), flags)
    if verb == "q":
        return pad(quote_rune(value, ascii_only=flags.plus), flags)
    if verb == "U":
        return _format_unicode(value, flags)
    if verb == "v" and flags.sharp_v and not signed:
        return _format_base(value, "x", Flags(sharp=True), signed=False)
    if verb not in _BASES:
        return None
    return _format_base(value, verb, flags, signed=signed)


def _format_base(value: int, verb: str, flags: Flags, *, signed: bool) -> str:
    base, negative = _BASES[verb], signed and value < 0
    digits = format(abs(value), _DIGITS[base])
    if flags.precision is not None:
        if flags.precision == 0 and value == 0:
            return pad("", flags, zero=False)
        digits = digits.rjust(flags.precision, "0")
    elif flags.zero and not flags.minus and flags.width is not None:
        digits = digits.rjust(flags.width - (negative or flags.plus or flags.space), "0")
    prefix = _PREFIXES.get(base, "") if flags.sharp else ""
    if flags.sharp and base == 8 and not digits.startswith("0"):
        prefix = "0"
    if verb == "O":
        prefix = "0o" + prefix
    sign = "-" if negative else "+" if flags.plus else " " if flags.space else ""
    text = sign + prefix + digits
    return pad(text.upper() if verb == "X" else text, flags, zero=False)


def _format_unicode(value: int, flags: Flags) -> str:
    precision = max(flags.precision or 0, 4)
    text = f"U+{value & 0xFFFF_FFFF_FFFF_FFFF:0{precision}X}"
    if flags.sharp and 0 <= value <= 0x10FFFF and is_print(rune(value)):
        text += f" '{rune(value)}'"
    return pad(text, flags, zero=False)


_FLOAT_VERBS: Final = {"v": ("g", None), "g": ("g", None), "G": ("G", None), "e": ("e", 6)} | {
    "E": ("E", 6),
    "f": ("f", 6),
    "F": ("f", 6),
    "b": ("b", None),
    "x": ("x", None),
    "X": ("X", None),
}


def format_float(value: float, verb: str, flags: Flags, *, single: bool = False) -> str | None:
    """A float; None if the verb does not fit."""
    if verb not in _FLOAT_VERBS:
        return None
    form, precision = _FLOAT_VERBS[verb]
    if flags.precision is not None:
        precision = flags.precision
    if value != value or value in (float("inf"), float("-inf")):
        return _format_not_finite(value, flags)
    negative = str(value).startswith("-")
    digits = _float_digits(abs(value), form, precision, single)
    if flags.sharp and form != "b":
        digits = _with_point(digits, form, precision)
    if form in "GX":
        digits = digits.upper()
    sign = "-" if negative else "+" if flags.plus else " " if flags.space else ""
    if sign and flags.zero and not flags.minus and flags.width is not None:
        return sign + digits.rjust(flags.width - 1, "0")
    return pad(sign + digits, flags)


def _format_not_finite(value: float, flags: Flags) -> str:
    if value != value:
        text = "+NaN" if flags.plus else " NaN" if flags.space else "NaN"
    elif value < 0:
        text = "-Inf"
    else:
        text = "+Inf" if flags.plus else " Inf" if flags.space else "+Inf"
    return pad(text, flags, zero=False)


def _float_digits(value: float, form: str, precision: int | None, single: bool) -> str:
    """Digits of a value that is not negative."""
    if form in "gG":
        if precision is None:
            return format_general(value, single=single)
        return _general_with_precision(value, max(precision, 1))
    if form in "xX":
        return _hexadecimal(value, precision)
    if form == "b":
        return _binary(value, single)
    assert precision is not None
    return format(value, f".{precision}{form}")


def _general_with_precision(value: float, precision: int) -> str:
    mantissa, exponent_digits = f"{value:.{precision - 1}e}".split("e")
    digits = mantissa.replace(".", "").rstrip("0") or "0"
    exponent = int(exponent_digits)
    if exponent < -4 or exponent >= precision:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        return digits[0] + fraction + exponent_text(exponent)
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return whole + ("." + digits[exponent + 1 :] if len(digits) > exponent + 1 else "")


def _hexadecimal(value: float, precision: int | None) -> str:
    """`0x1.8p+01`, rounded half to even at the precision."""
    if value == 0:
        mantissa, exponent = 0, 0
    else:
        fraction, power = value.hex()[2:].split("p")
        whole, _, digits = fraction.partition(".")
        mantissa, exponent = int(whole + digits.ljust(13, "0"), 16), int(power)
        while mantissa < 1 << 52:  # subnormal
            mantissa, exponent = mantissa * 2, exponent - 1
    if precision is not None and precision < 13:
        shift = 4 * (13 - precision)
        half, rest = 1 << (shift - 1), mantissa & ((1 << shift) - 1)
        mantissa >>= shift
        mantissa += rest > half or (rest == half and mantissa & 1)
        mantissa <<= shift
        if mantissa >= 1 << 53:
            mantissa, exponent = mantissa >> 1, exponent + 1
    digits = f"{mantissa & ((1 << 52) - 1):013x}"
    digits = digits.rstrip("0") if precision is None else digits[:precision].ljust(precision, "0")
    sign = "-" if exponent < 0 else "+"
    return f"0x{mantissa >> 52}{'.' if digits else ''}{digits}p{sign}{abs(exponent):02d}"


def _binary(value: float, single: bool) -> str:
    """`%b`: the mantissa as an integer and the exponent of two."""
    bits, bias = (23, 150) if single else (52, 1075)
    if value == 0:
        return f"0p-{bias - 1}"
    numerator, exponent = value, 0
    while numerator != int(numerator) or numerator < 1 << bits:
        numerator, exponent = numerator * 2, exponent - 1
        if exponent <= -(bias - 1):
            break
    while numerator >= 1 << (bits + 1):
        numerator, exponent = numerator / 2, exponent + 1
    return f"{int(numerator)}p{exponent:+d}"


def _with_point(digits: str, form: str, precision: int | None) -> str:
    """The `#` flag: always a point, and trailing zeros kept where the precision counts digits."""
    body, mark, exponent = digits, "", ""
    for candidate in ("e", "p"):
        if candidate in digits:
            body, mark, exponent = digits.partition(candidate)
            break
    if "." not in body:
        body += "."
    if form in "gGxX":
        wanted = 6 if precision is None else max(precision, 1)
        significant = len(body.replace(".", "").lstrip("0")) or 1
        body += "0" * max(0, wanted - significant)
    return body + mark + exponent


def format_complex(value: complex, verb: str, flags: Flags) -> str | None:
    """A complex number: both parts with the same verb, the second with its sign."""
    real = format_float(value.real, verb, flags)
    plus, flags.plus = flags.plus, True
    imaginary = format_float(value.imag, verb, flags)
    flags.plus = plus
    return None if real is None or imaginary is None else f"({real}{imaginary}i)"
