"""The few XML-like tags that models write around calls, read as strictly as an XML reader does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_NOT_A_CHARACTER: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK: Final = re.compile(r"\r\n?")
_REFERENCE: Final = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]+));")
_ENTITIES: Final = {"lt": "<", "gt": ">", "amp": "&", "apos": "'", "quot": '"'}


class MarkupError(ValueError):
    """Tags that do not fit together, or characters that cannot stand in XML."""


@dataclass(slots=True)
class Element:
    """An element with its attribute `name`, the text directly in it, and the elements in it."""

    tag: str
    name: str = ""
    text: str = ""
    children: list[Element] = field(default_factory=list)


def first_element(text: str, tags: re.Pattern[str], root: Element | None = None) -> Element:
    """The first element of a text; what follows it is not read. Raises `MarkupError`.

    `tags` finds the tags, in groups `end` (a slash), `tag` and perhaps `name` (the attribute); all
    else is text. `root`: an element that the whole text stands in.
    """
    has_names = "name" in tags.groupindex
    stack = [root] if root else []
    position = 0
    for match in tags.finditer(text):
        _add_text(stack, text[position : match.start()])
        position = match.end()
        name = match["name"] if has_names else None
        if not match["end"]:
            stack.append(Element(match["tag"], "" if name is None else _attribute(name)))
            continue
        if name is not None or not stack or stack[-1].tag != match["tag"]:
            raise MarkupError(f"unexpected end element </{match['tag']}>")
        element = stack.pop()
        if not stack:
            return element
        stack[-1].children.append(element)
    _add_text(stack, text[position:])
    if root and len(stack) == 1:
        return root
    raise MarkupError("unexpected EOF")


def _add_text(stack: list[Element], text: str) -> None:
    bad = _NOT_A_CHARACTER.search(text)
    if bad:
        raise MarkupError(f"illegal character code U+{ord(bad[0]):04X}")
    if stack:
        stack[-1].text += _LINE_BREAK.sub("\n", text)


def _attribute(text: str) -> str:
    """The value of an attribute as it stands between its quotes."""
    _add_text([], text)
    if "<" in text:
        raise MarkupError("unescaped < inside quoted string")
    if "&" in _REFERENCE.sub("", text):
        raise MarkupError("invalid character entity")
    return _REFERENCE.sub(_character, _LINE_BREAK.sub("\n", text))


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, entity = match.groups()
    if entity:
        if entity not in _ENTITIES:
            raise MarkupError(f"invalid character entity &{entity};")
        return _ENTITIES[entity]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if code > 0x10FFFF or _NOT_A_CHARACTER.match(chr(code)):
        raise MarkupError(f"illegal character code U+{code:04X}")
    return chr(code)


def escaped_attribute(text: str) -> str:
    """Text as the value of an attribute, so that reading gives it back."""
    return "".join(_ESCAPES.get(char, char) for char in _NOT_A_CHARACTER.sub("\ufffd", text))


_ESCAPES: Final = {
    '"': "&#34;",
    "'": "&#39;",
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "\t": "&#x9;",
    "\n": "&#xA;",
    "\r": "&#xD;",
}
