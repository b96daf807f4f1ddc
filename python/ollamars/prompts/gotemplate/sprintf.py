"""`fmt.Sprintf`: the directives of a format, their argument indexes, widths and precisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ollamars.prompts.gotemplate.fmt import format_value
from ollamars.prompts.gotemplate.fmt_numbers import Flags
from ollamars.prompts.gotemplate.types import Kind
from ollamars.prompts.gotemplate.values import Value, unwrap

MAX_WIDTH: Final = 1_000_000
"""Widths and precisions above are not accepted, as in Go."""

_FLAG_NAMES: Final = {"#": "sharp", "0": "zero", "+": "plus", "-": "minus", " ": "space"}
_DIGITS: Final = "0123456789"


def sprintf(text: str, values: Sequence[Value]) -> str:
    """`text` with its directives replaced; what is wrong with them is written in their place."""
    return _Format(text, [unwrap(value) for value in values]).run()


class _Format:
    """One run over a format."""

    def __init__(self, text: str, operands: list[Value]) -> None:
        self._text = text
        self._operands = operands
        self._pos = 0
        self._operand = 0
        self._reordered = False
        self._good_index = True
        self._after_index = False
        self._out: list[str] = []

    def run(self) -> str:
        while True:
            percent = self._text.find("%", self._pos)
            if percent < 0:
                self._out.append(self._text[self._pos :])
                break
            self._out.append(self._text[self._pos : percent])
            self._pos = percent + 1
            self._directive()
        if not self._reordered and self._operand < len(self._operands):
            self._out.append(self._extra())
        return "".join(self._out)

    def _peek(self) -> str:
        return self._text[self._pos : self._pos + 1]

    def _directive(self) -> None:
        """One directive, behind its percent sign."""
        flags = Flags()
        self._good_index = True
        self._after_index = False
        while (name := _FLAG_NAMES.get(self._peek())) is not None:
            setattr(flags, name, True)
            self._pos += 1
        self._index()
        self._width(flags)
        self._precision(flags)
        if not self._after_index:
            self._index()
        verb = self._peek()
        self._pos += 1
        if not verb:
            self._out.append("%!(NOVERB)")
        elif verb == "%":
            self._out.append("%")
        elif not self._good_index:
            self._out.append(f"%!{verb}(BADINDEX)")
        elif self._operand >= len(self._operands):
            self._out.append(f"%!{verb}(MISSING)")
        else:
            if verb == "v":
                flags.sharp_v, flags.sharp = flags.sharp, False
                flags.plus_v, flags.plus = flags.plus, False
            self._out.append(format_value(self._operands[self._operand], verb, flags))
            self._operand += 1

    def _number(self, end: int | None = None) -> int | None:
        """Digits from here on (up to `end`); None if there are none or too many."""
        start = self._pos
        limit = len(self._text) if end is None else end
        while self._pos < limit and self._text[self._pos] in _DIGITS:
            self._pos += 1
        digits = self._text[start : self._pos]
        if not digits or len(digits) > 7 or int(digits) > MAX_WIDTH:
            return None
        return int(digits)

    def _index(self) -> None:
        """An explicit operand index `[n]`, if one is here."""
        self._after_index = False
        if self._peek() != "[":
            return
        self._reordered = True
        close = self._text.find("]", self._pos + 1)
        if close < 0:
            self._good_index = False
            self._pos += 1
            return
        self._pos += 1
        number = self._number(close)
        found = number is not None and self._pos == close
        self._pos = close + 1
        if found and number is not None and 1 <= number <= len(self._operands):
            self._operand = number - 1
        else:
            self._good_index = False
        self._after_index = found

    def _star(self) -> int | None:
        """The value of the operand that `*` names; None if it is no small integer."""
        self._pos += 1
        self._after_index = False
        if self._operand >= len(self._operands):
            return None
        value = self._operands[self._operand]
        self._operand += 1
        if value.kind not in (Kind.INT, Kind.UINT) or abs(value.data) > MAX_WIDTH:
            return None
        return int(value.data)

    def _width(self, flags: Flags) -> None:
        if self._peek() != "*":
            flags.width = self._number()
            if self._after_index and flags.width is not None:
                self._good_index = False
            return
        flags.width = self._star()
        if flags.width is None:
            self._out.append("%!(BADWIDTH)")
        elif flags.width < 0:
            flags.width, flags.minus, flags.zero = -flags.width, True, False

    def _precision(self, flags: Flags) -> None:
        if self._peek() != ".":
            return
        self._pos += 1
        if self._after_index:
            self._good_index = False
        self._index()
        if self._peek() != "*":
            flags.precision = self._number() or 0
            return
        flags.precision = self._star()
        if flags.precision is not None and flags.precision < 0:
            flags.precision = None
        if flags.precision is None:
            self._out.append("%!(BADPREC)")

    def _extra(self) -> str:
        parts = [
            f"{value.type.name}={format_value(value)}" if value.is_valid else "<nil>"
            for value in self._operands[self._operand :]
        ]
        return f"%!(EXTRA {', '.join(parts)})"
