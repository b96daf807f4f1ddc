"""Laguna's calls: a name with pairs of tags or with JSON, or all as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ollamars.prompts.messages import Tool
from ollamars.prompts.parsers import calls
from ollamars.prompts.parsers.coerce import coerce_lines, declared, types_of
from ollamars.prompts.parsers.stream import CALL, CALL_END
from ollamars.prompts.text import WHITE_SPACE

_KEY: Final = "<arg_key>"
_BETWEEN: Final = re.compile(r"</arg_key>[\t\n\f\r ]*+<arg_value>")
_VALUE_END: Final = "</arg_value>"
_ALIASES: Final = {
    "read_file": "read",
    "write_file": "write",
    "edit_file": "edit",
    "web_fetch": "webfetch",
}
_CALL: Final[dict[str, type]] = {"name": str, "arguments": dict}
_LINE_BREAK: Final = re.compile("[\r\n]")


def read(text: str, tools: Sequence[Tool]) -> tuple[str, Mapping[str, Any]]:
    """Name and arguments of a call. Raises `BadJson`."""
    text = _inside(text)
    if text.startswith("{"):
        call = _json_call(text)
        if not call.get("name"):
            raise calls.BadJson("empty Laguna tool call name")
        return _declared_name(call["name"], tools), call.get("arguments", {})
    name, arguments = _split(text)
    name = _declared_name(name.strip(WHITE_SPACE), tools)
    if arguments.startswith("{"):
        try:
            return name, calls.decode_arguments(arguments)
        except calls.BadJson as error:
            message = f"failed to parse Laguna JSON tool call arguments: {error}"
            raise calls.BadJson(message) from None
    tool = declared(tools, name)
    return name, {key: coerce_lines(value, types_of(tool, key)) for key, value in _pairs(arguments)}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """The keys and values between their tags; what stands elsewhere does not count."""
    start = text.find(_KEY)
    while start >= 0:
        between = _BETWEEN.search(text, start)
        end = text.find(_VALUE_END, between.end()) if between else -1
        if between is None or end < 0:
            return
        key = text[start + len(_KEY) : between.start()].strip(WHITE_SPACE)
        yield key, text[between.end() : end]
        start = text.find(_KEY, end)


def names_declared(text: str, tools: Sequence[Tool]) -> bool:
    """Does the text of a call name a tool that is declared?"""
    text = _inside(text)
    if text.startswith("{"):
        try:
            name = _json_call(text).get("name", "")
        except calls.BadJson:
            return False
    else:
        name, arguments = _split(text)
        if not arguments:
            name = _LINE_BREAK.split(name, maxsplit=1)[0]
    return declared(tools, _declared_name(name.strip(WHITE_SPACE), tools)) is not None


def _json_call(text: str) -> dict[str, Any]:
    try:
        return calls.struct(calls.decode(text), _CALL)
    except calls.BadJson as error:
        raise calls.BadJson(f"failed to parse Laguna JSON tool call: {error}") from None


def _split(text: str) -> tuple[str, str]:
    """The name, and arguments as pairs of tags or as JSON."""
    start = text.find(_KEY)
    if start < 0:
        start = text.find("{")
    return (text, "") if start < 0 else (text[:start], text[start:])


def _declared_name(name: str, tools: Sequence[Tool]) -> str:
    """The name of the tool that is meant."""
    alias = _ALIASES.get(name, name)
    is_alias = declared(tools, name) is None and declared(tools, alias) is not None
    return alias if is_alias else name


def _inside(text: str) -> str:
    """A call's text without the tags of calls that may stand in it again."""
    text = text.strip(WHITE_SPACE)
    while text.startswith(CALL):
        text = text[len(CALL) :].lstrip(WHITE_SPACE)
    text = text.partition(CALL_END)[0].strip(WHITE_SPACE)
    return text.partition(CALL)[0].strip(WHITE_SPACE)
