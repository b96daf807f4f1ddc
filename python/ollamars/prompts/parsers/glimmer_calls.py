"""Glimmer's blocks of calls."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final

from ollamars.prompts.messages import Tool
from ollamars.prompts.parsers.coerce import coerce, types_of
from ollamars.prompts.text import WHITE_SPACE
from ollamars.store.gotext import quote

BLOCK: Final = "<atem:function_calls>"
BLOCK_END: Final = "</atem:function_calls>"
_INVOKE: Final = '<atem:invoke name="'
_INVOKE_END: Final = "</atem:invoke>"
_PARAMETER: Final = '<atem:parameter name="'
_PARAMETER_END: Final = "</atem:parameter>"
_NAME_END: Final = '">'
_STRAY: Final = "<|message|>"


class BadCall(ValueError):
    """A block that is not one call."""


def resolve(name: str, declared: Container[str]) -> str:
    """The declared name that is meant: `ns.fn` is `fn` if ns is the first dotted part of fn."""
    namespace, dot, function = name.partition(".")
    if name not in declared and dot and function in declared:
        return function if function.partition(".")[0] == namespace else name
    return name


def invoked(body: str) -> str:
    """The name that a block invokes; empty if it is no block."""
    body = body.strip(WHITE_SPACE)
    if not body.startswith(BLOCK) or not body.endswith(BLOCK_END):
        return ""
    invoke = body[len(BLOCK) : -len(BLOCK_END)].strip(WHITE_SPACE)
    try:
        return _name(invoke[len(_INVOKE) :])[0] if invoke.startswith(_INVOKE) else ""
    except BadCall:
        return ""


def read(body: str, tool: Tool) -> tuple[str, Mapping[str, Any]]:
    """The invoked name and the arguments. Raises `BadCall`."""
    body = body.strip(WHITE_SPACE)
    if not body.startswith(BLOCK) or not body.endswith(BLOCK_END):
        raise BadCall("missing ATEM function_calls wrapper")
    invoke = body[len(BLOCK) : -len(BLOCK_END)].strip(WHITE_SPACE)
    if not invoke.startswith(_INVOKE) or not invoke.endswith(_INVOKE_END):
        raise BadCall("missing ATEM invoke wrapper")
    name, rest = _name(invoke[len(_INVOKE) :])
    if len(rest) < len(_INVOKE_END):
        raise BadCall("malformed ATEM invoke name")
    parameters = rest[: -len(_INVOKE_END)].removeprefix("\n").removesuffix("\n")
    return name, _arguments(parameters, tool)


def _name(text: str) -> tuple[str, str]:
    """The name at the start of a text, and what follows it.

    The model sometimes writes `<|message|>` into the name, or in place of what ends it.
    """
    name = ""
    while True:
        before, stray, after = text.partition(_STRAY)
        until, end, rest = text.partition(_NAME_END)
        if not stray or (end and len(until) < len(before)):
            break
        name += before
        text = after
        if text.startswith(_PARAMETER):
            return name, text
    if not end:
        raise BadCall("malformed ATEM invoke name")
    return name + until, rest


def _arguments(text: str, tool: Tool) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    position = 0
    while position < len(text):
        if not text.startswith(_PARAMETER, position):
            raise BadCall("malformed ATEM parameter")
        start = position + len(_PARAMETER)
        name_end = text.find(_NAME_END, start)
        if name_end < 0:
            raise BadCall("malformed ATEM parameter name")
        name = text[start:name_end]
        value = name_end + len(_NAME_END)
        end = text.find(_PARAMETER_END, value)
        if end < 0:
            raise BadCall(f"unterminated ATEM parameter {quote(name)}")
        arguments[name] = coerce(text[value:end], types_of(tool, name))
        position = end + len(_PARAMETER_END)
        position += text.startswith("\n", position)
    return arguments
