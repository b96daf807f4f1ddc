"""Gemma 4's notation of arguments as JSON, and repairs of what models get wrong in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ollamars.prompts.messages import Tool, ToolProperty
from ollamars.prompts.parsers.calls import BadJson, decode_arguments
from ollamars.prompts.text import WHITE_SPACE
from ollamars.store import gojson

QUOTE: Final = '<|"|>'
_Q: Final = re.escape(QUOTE)
_SPACE: Final = f"[{WHITE_SPACE}]*+"
_JSON_STRING: Final = r'"(?:\\.|[^"\\])*+"'
_STRING: Final = re.compile(f"{_Q}(.*?){_Q}", re.DOTALL)
_BARE_KEY: Final = re.compile(rf"{_JSON_STRING}|([{{,]{_SPACE})(\w++):", re.DOTALL)
_HELD: Final = re.compile("\0([0-9]+)\0")
_QUOTED: Final = rf"{_Q}.*?(?:{_Q}|\Z)|{_JSON_STRING}"
_SINGLE_QUOTED: Final = re.compile(
    rf"{_QUOTED}|(:{_SPACE})'((?:\\.|[^'\\])*+)'(?:{_Q})?", re.DOTALL
)
_NEXT_KEY: Final = re.compile(rf",{_SPACE}(\w++){_SPACE}:")
_VALUE_STARTS: Final = (QUOTE, "'", '"', "{", "[", "-", "t", "f", "n", *"0123456789")


def read(text: str, tool: Tool | None) -> Mapping[str, Any]:
    """Arguments from their notation, repaired if need be. Raises `BadJson`."""
    for candidate in (text, *_repaired(text, tool)):
        try:
            return decode_arguments(_json(candidate))
        except BadJson:
            continue
    raise BadJson("arguments that cannot be repaired")


def _json(text: str) -> str:
    strings: list[str] = []

    def hold(match: re.Match[str]) -> str:
        strings.append(match[1])
        return f"\0{len(strings) - 1}\0"

    def restore(match: re.Match[str]) -> str:
        index = int(match[1])
        return gojson.dumps(strings[index]).decode() if index < len(strings) else match[0]

    text = _STRING.sub(hold, text.replace("\0", "\ufffd"))
    text = _BARE_KEY.sub(lambda key: f'{key[1]}"{key[2]}":' if key[2] else key[0], text)
    return _HELD.sub(restore, text)


def _repaired(text: str, tool: Tool | None) -> Iterator[str]:
    """Texts to try: with quotes made right, then with a bare string quoted too."""
    better = _with_last_delimiter(_without_single_quotes(text))
    yield better if better == text else _with_brace(better)
    quoted = _with_quoted_text(text, tool)
    if quoted is not None:
        yield _with_brace(_with_last_delimiter(_without_single_quotes(quoted)))


def _without_single_quotes(text: str) -> str:
    return _SINGLE_QUOTED.sub(
        lambda match: match[0] if match[2] is None else match[1] + QUOTE + match[2] + QUOTE, text
    )


def _with_last_delimiter(text: str) -> str:
    """Close a string that is open at the end, before the bracket that ends the text."""
    if text.count(QUOTE) % 2 == 0:
        return text
    place = len(text.rstrip(WHITE_SPACE))
    if text[place - 1 : place] in ("}", "]"):
        place -= 1
    return text[:place] + QUOTE + text[place:]


def _with_brace(text: str) -> str:
    """End the object if it is open."""
    stripped = text.rstrip(WHITE_SPACE)
    if not text.lstrip(WHITE_SPACE).startswith("{") or stripped.endswith("}"):
        return text
    return stripped + "}"


def _with_quoted_text(text: str, tool: Tool | None) -> str | None:
    """Quote the bare text of the first argument that the schema says is a string."""
    properties = (tool.parameters.properties if tool else None) or {}
    for name, item in properties.items():
        start = _bare_value(text, name) if _accepts_string(item) else -1
        if start >= 0:
            end = _bare_value_end(text, start, properties)
            return text[:start] + QUOTE + text[start:end] + QUOTE + text[end:]
    return None


def _accepts_string(item: ToolProperty) -> bool:
    names = (name.lower() == "string" for name in item.type)
    return any(names) or any(map(_accepts_string, item.any_of))


def _bare_value(text: str, name: str) -> int:
    """Where the value of an argument starts that is neither quoted nor a literal; else -1."""
    key = re.compile(rf"{_QUOTED}|([{{,]{_SPACE}{re.escape(name)}{_SPACE}:)", re.DOTALL)
    for match in key.finditer(text):
        value = text[match.end() :].lstrip(WHITE_SPACE)
        if match[1] and not value.startswith(_VALUE_STARTS):
            return match.end()
    return -1


def _bare_value_end(text: str, start: int, properties: Mapping[str, ToolProperty]) -> int:
    """Where bare text ends: before the next argument, or at the end of the object."""
    for match in _NEXT_KEY.finditer(text, start):
        if match[1] in properties:
            return match.start()
    end = len(text.rstrip(WHITE_SPACE))
    return end - 1 if end > start and text[end - 1] == "}" else len(text)
