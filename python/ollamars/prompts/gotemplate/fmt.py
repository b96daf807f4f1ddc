"""Go's `fmt`: `Sprint` and `Sprintf` with all verbs, flags and error markers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ollamars.prompts.gotemplate import fmt_numbers as numbers
from ollamars.prompts.gotemplate.fmt_numbers import Flags
from ollamars.prompts.gotemplate.strconv import to_bytes
from ollamars.prompts.gotemplate.types import BYTES, UINT8, Kind
from ollamars.prompts.gotemplate.values import (
    Value,
    element,
    field,
    length,
    sorted_items,
    unwrap,
)

_NIL: Final = "<nil>"
_POINTER: Final = 0xC000012000
"""Pointers have no address here; where Go would print one, this is it."""

_STRING_VERBS: Final = frozenset("vsxXq")


def sprint(values: Sequence[Value]) -> str:
    """`fmt.Sprint`: a space between operands when neither is a string."""
    parts: list[str] = []
    previous_string = True
    for value in map(unwrap, values):
        is_string = value.kind is Kind.STRING
        if parts and not is_string and not previous_string:
            parts.append(" ")
        parts.append(format_value(value))
        previous_string = is_string
    return "".join(parts)


def sprintln(values: Sequence[Value]) -> str:
    """`fmt.Sprintln`: spaces between all operands, a newline at the end."""
    return " ".join(format_value(unwrap(value)) for value in values) + "\n"


def format_value(value: Value, verb: str = "v", flags: Flags | None = None) -> str:
    """One operand. `verb` is a single character."""
    return _Printer(flags or Flags()).print_operand(unwrap(value), verb)


def string_method(value: Value) -> str | None:
    """What `String()` of the value gives; None if its type has no such method."""
    string, elem = value.type.string, value.type.elem
    if string is None and value.kind is Kind.POINTER and elem is not None:
        string = elem.string
        if string is not None and value.data is None:
            return _NIL
    return None if string is None else string(value.data)


@dataclass(slots=True)
class _Printer:
    """Prints one operand; nested values share its flags."""

    flags: Flags
    erroring: bool = False

    def print_operand(self, value: Value, verb: str) -> str:
        if not value.is_valid:
            return numbers.pad(_NIL, self.flags) if verb in "Tv" else f"%!{verb}({_NIL})"
        if verb == "T":
            return numbers.format_text(value.type.name, self.flags)
        if verb == "p":
            return self._pointer(value, "p")
        if value.type is BYTES:
            return self._bytes(value, verb, "[]byte")
        return self._print(value, verb, 0)

    def _print(self, value: Value, verb: str, depth: int) -> str:
        if not self.erroring and verb in _STRING_VERBS and not self.flags.sharp_v:
            text = string_method(value)
            if text is not None:
                return self._string(value, verb, text)
        if not value.is_valid:
            return _NIL if verb == "v" else self._bad(value, verb)
        return _KINDS[value.kind](self, value, verb, depth)

    def _bad(self, value: Value, verb: str) -> str:
        """The marker of a verb that does not fit the value."""
        if not value.is_valid:
            return f"%!{verb}({_NIL})"
        erroring, self.erroring = self.erroring, True
        text = self.print_operand(value, "v")
        self.erroring = erroring
        return f"%!{verb}({value.type.name}={text})"

    def _bool(self, value: Value, verb: str, _depth: int) -> str:
        if verb not in "tv":
            return self._bad(value, verb)
        return numbers.pad("true" if value.data else "false", self.flags)

    def _integer(self, value: Value, verb: str, _depth: int) -> str:
        signed = value.kind is Kind.INT
        text = numbers.format_integer(value.data, verb, self.flags, signed=signed)
        return self._bad(value, verb) if text is None else text

    def _float(self, value: Value, verb: str, _depth: int) -> str:
        text = numbers.format_float(value.data, verb, self.flags, single=value.type.bits == 32)
        return self._bad(value, verb) if text is None else text

    def _complex(self, value: Value, verb: str, _depth: int) -> str:
        text = numbers.format_complex(value.data, verb, self.flags)
        return self._bad(value, verb) if text is None else text

    def _text(self, value: Value, verb: str, _depth: int) -> str:
        return self._string(value, verb, value.data)

    def _string(self, value: Value, verb: str, text: str) -> str:
        if verb == "q" or (verb == "v" and self.flags.sharp_v):
            return numbers.format_quoted(text, self.flags)
        if verb in "vs":
            return numbers.format_text(text, self.flags)
        if verb in "xX":
            return numbers.format_hex(to_bytes(text), verb, self.flags)
        return self._bad(value, verb)

    def _bytes(self, value: Value, verb: str, type_name: str) -> str:
        data = bytes(value.data or b"")
        if verb in "vd":
            if self.flags.sharp_v:
                if value.data is None:
                    return f"{type_name}(nil)"
                return type_name + "{" + ", ".join(f"{byte:#x}" for byte in data) + "}"
            texts = (numbers.format_integer(byte, "d", self.flags, signed=False) for byte in data)
            return "[" + " ".join(text or "" for text in texts) + "]"
        if verb == "s":
            return numbers.format_text(data.decode("utf-8", "surrogateescape"), self.flags)
        if verb in "xX":
            return numbers.format_hex(data, verb, self.flags)
        if verb == "q":
            return numbers.format_quoted(data.decode("utf-8", "surrogateescape"), self.flags)
        return self._print(value, verb, 0)

    def _slice(self, value: Value, verb: str, depth: int) -> str:
        if verb in "sqxX" and value.type.elem is UINT8:
            return self._bytes(value, verb, value.type.name)
        elements = (element(value, index) for index in range(length(value)))
        if not self.flags.sharp_v:
            return "[" + " ".join(self._print(item, verb, depth + 1) for item in elements) + "]"
        if value.data is None:
            return f"{value.type.name}(nil)"
        inner = ", ".join(self._print(item, verb, depth + 1) for item in elements)
        return f"{value.type.name}{{{inner}}}"

    def _map(self, value: Value, verb: str, depth: int) -> str:
        items = (
            f"{self._print(key, verb, depth + 1)}:{self._print(item, verb, depth + 1)}"
            for key, item in sorted_items(value)
        )
        if not self.flags.sharp_v:
            return "map[" + " ".join(items) + "]"
        if value.data is None:
            return f"{value.type.name}(nil)"
        return f"{value.type.name}{{{', '.join(items)}}}"

    def _struct(self, value: Value, verb: str, depth: int) -> str:
        parts: list[str] = []
        for index, declared in enumerate(value.type.fields):
            item = field(value, index)
            if item.kind is Kind.INTERFACE and item.data is not None:
                item = unwrap(item)
            label = f"{declared.name}:" if self.flags.plus_v or self.flags.sharp_v else ""
            parts.append(label + self._print(item, verb, depth + 1))
        if self.flags.sharp_v:
            return f"{value.type.name}{{{', '.join(parts)}}}"
        return "{" + " ".join(parts) + "}"

    def _interface(self, value: Value, verb: str, depth: int) -> str:
        inner = unwrap(value)
        if inner.is_valid:
            return self._print(inner, verb, depth + 1)
        return f"{value.type.name}(nil)" if self.flags.sharp_v else _NIL

    def _pointer_kind(self, value: Value, verb: str, depth: int) -> str:
        if depth == 0 and value.data is not None:
            assert value.type.elem is not None
            return "&" + self._print(Value(value.type.elem, value.data), verb, 1)
        return self._pointer(value, verb)

    def _pointer(self, value: Value, verb: str) -> str:
        if value.kind not in (Kind.POINTER, Kind.SLICE, Kind.MAP):
            return self._bad(value, verb)
        address = 0 if value.data is None else _POINTER
        if verb == "v":
            return f"0x{address:x}" if address else numbers.pad(_NIL, self.flags)
        if verb == "p":
            return f"{address:x}" if self.flags.sharp else f"0x{address:x}"
        text = numbers.format_integer(address, verb, self.flags, signed=False)
        return text if text is not None and verb in "bodxX" else self._bad(value, verb)


_KINDS: Final[dict[Kind, Callable[[_Printer, Value, str, int], str]]] = {
    Kind.BOOL: _Printer._bool,
    Kind.INT: _Printer._integer,
    Kind.UINT: _Printer._integer,
    Kind.FLOAT: _Printer._float,
    Kind.COMPLEX: _Printer._complex,
    Kind.STRING: _Printer._text,
    Kind.SLICE: _Printer._slice,
    Kind.MAP: _Printer._map,
    Kind.STRUCT: _Printer._struct,
    Kind.INTERFACE: _Printer._interface,
    Kind.POINTER: _Printer._pointer_kind,
}
