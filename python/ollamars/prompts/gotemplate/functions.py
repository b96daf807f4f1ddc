"""The functions that templates may call: Go's own, and those that Ollama adds."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from ollamars.prompts.gotemplate.compare import FunctionError, equal, less
from ollamars.prompts.gotemplate.escape import html_escape, js_escape, url_escape
from ollamars.prompts.gotemplate.fmt import sprint, sprintln
from ollamars.prompts.gotemplate.indexing import index, length_of, slice_item
from ollamars.prompts.gotemplate.json import JsonError, encode
from ollamars.prompts.gotemplate.sprintf import sprintf
from ollamars.prompts.gotemplate.types import ANY, BOOL, INT, STRING, Kind, Type
from ollamars.prompts.gotemplate.values import Value, indirect, is_true, unwrap

__all__ = ["BUILTINS", "OLLAMA_FUNCTIONS", "VALUE", "Function", "FunctionError", "ollama_functions"]

VALUE: Final = Type(Kind.STRUCT, "reflect.Value")
"""The type of a parameter that takes any value as it is, also nothing."""


@dataclass(frozen=True, slots=True)
class Function:
    """What it does (it may raise `FunctionError`), and the types of its parameters."""

    call: Callable[[Sequence[Value]], Value]
    fixed: tuple[Type, ...] = ()
    variadic: Type | None = None
    prints: bool = False
    """Does it write its arguments out, element by element and character by character?"""

    def parameter(self, position: int) -> Type:
        """The type of an argument, whose position must exist."""
        if position < len(self.fixed) or self.variadic is None:
            return self.fixed[position]
        return self.variadic


def _bool(value: bool) -> Value:
    return Value(BOOL, value)


def _string(text: str) -> Value:
    return Value(STRING, text)


def printable(value: Value) -> Value:
    """What is printed for a value: through pointers, `<no value>` for nothing."""
    if value.kind is Kind.POINTER:
        value, _ = indirect(value)
    return value if value.is_valid else _string("<no value>")


def _joined(values: Sequence[Value]) -> str:
    """Arguments as one text, as the escaping functions read them."""
    return sprint([printable(unwrap(value)) for value in values])


def _printing(
    text: Callable[[Sequence[Value]], str],
    fixed: tuple[Type, ...] = (),
    variadic: Type | None = None,
) -> Function:
    return Function(lambda args: _string(text(args)), fixed, variadic, prints=True)


def _escaping(escape: Callable[[str], str]) -> Function:
    return _printing(lambda args: escape(_joined(args)), (), ANY)


def _less_or_equal(left: Value, right: Value) -> bool:
    return less(left, right) or equal(left, [right])


_COMPARISONS: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "ge": lambda left, right: not less(left, right),
    "gt": lambda left, right: not _less_or_equal(left, right),
    "le": _less_or_equal,
    "lt": less,
    "ne": lambda left, right: not equal(left, [right]),
}


def _comparison(compare: Callable[[Value, Value], bool], args: Sequence[Value]) -> Value:
    return _bool(compare(*args))


def _lazy(_args: Sequence[Value]) -> Value:
    raise AssertionError("`and` and `or` are evaluated where their arguments are")


def _call(args: Sequence[Value]) -> Value:
    """No value that a template can reach is a function. The first argument is the callee's text."""
    name, callee = args[0], unwrap(args[1])
    if not callee.is_valid:
        raise FunctionError("call of nil")
    raise FunctionError(f"non-function {name.data} of type {callee.type.name}")


BUILTINS: Final[Mapping[str, Function]] = MappingProxyType(
    {
        "and": Function(_lazy, (VALUE,), VALUE),
        "call": Function(_call, (VALUE,), VALUE),
        "eq": Function(lambda args: _bool(equal(args[0], args[1:])), (VALUE,), VALUE),
        "html": _escaping(html_escape),
        "index": Function(lambda args: index(args[0], args[1:]), (VALUE,), VALUE),
        "js": _escaping(js_escape),
        "len": Function(lambda args: Value(INT, length_of(args[0])), (VALUE,)),
        "not": Function(lambda args: _bool(not is_true(args[0])), (VALUE,)),
        "or": Function(_lazy, (VALUE,), VALUE),
        "print": _printing(sprint, (), ANY),
        "printf": _printing(lambda args: sprintf(args[0].data, args[1:]), (STRING,), ANY),
        "println": _printing(sprintln, (), ANY),
        "slice": Function(lambda args: slice_item(args[0], args[1:]), (VALUE,), VALUE),
        "urlquery": _escaping(url_escape),
    }
    | {
        name: Function(partial(_comparison, compare), (VALUE, VALUE))
        for name, compare in _COMPARISONS.items()
    }
)
"""Go's functions by name."""


def _json(args: Sequence[Value]) -> str:
    try:
        return encode(args[0])
    except JsonError:
        return ""


def _type_script_type(args: Sequence[Value]) -> Value:
    value = unwrap(args[0])
    method = value.type.methods.get("ToTypeScriptType")
    return _string("any") if method is None else method(value)


OLLAMA_FUNCTIONS: Final = ("json", "currentDate", "yesterdayDate", "toTypeScriptType")
"""Names of the functions that Ollama adds."""


def ollama_functions(today: datetime.date) -> Mapping[str, Function]:
    """Go's functions and Ollama's, on the local date `today`."""
    yesterday = today - datetime.timedelta(days=1)
    added = {
        "json": _printing(_json, (ANY,)),
        "currentDate": Function(lambda _args: _string(today.isoformat()), (), STRING),
        "yesterdayDate": Function(lambda _args: _string(yesterday.isoformat()), (), STRING),
        "toTypeScriptType": Function(_type_script_type, (ANY,)),
    }
    return {**BUILTINS, **added}
