"""GLM-4.7 and GLM-OCR: calls as a name and pairs of `<arg_key>` and `<arg_value>`."""

from __future__ import annotations

import re
from itertools import cycle
from typing import Final

from ollamars.prompts.messages import Message, Tool
from ollamars.prompts.parsers.coerce import coerce_lines, declared, types_of
from ollamars.prompts.parsers.markup import Element, MarkupError, first_element
from ollamars.prompts.parsers.stream import CALL_END, ToolCallError, settled, thinks
from ollamars.prompts.parsers.tagged import TaggedParser
from ollamars.prompts.text import WHITE_SPACE
from ollamars.store.gotext import quote

_TAG: Final = re.compile(r"<(?P<end>/?)(?P<tag>arg_key|arg_value)>")
_CYCLE: Final = ("<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>")
_SPACE: Final = re.compile(f"[{WHITE_SPACE}]+")


class GlmOcrParser(TaggedParser):
    """Thinks only after a leading `<think>`."""

    call_ends_thinking = False

    def _start(self, last: Message | None) -> None:
        self._state = self._opening

    def _without_opening(self) -> bool:
        self._state = self._content
        return True

    def _call(self) -> bool:
        if not self._done or self._has(CALL_END):
            return super()._call()
        text = self._take()
        size = settled(text, (CALL_END,))
        text = text if size == len(text) else text[:size].rstrip(WHITE_SPACE)
        self._state = self._content
        try:
            name, keys, _ = _parts(text)
            _check_unfinished(name, keys, declared(self.tools, name))
        except (MarkupError, ToolCallError) as error:
            raise ToolCallError(f"incomplete GLM tool call: {error}") from None
        self._read_call(text)
        return True

    def _read_call(self, text: str) -> None:
        text = text.strip(WHITE_SPACE)
        try:
            parts = _parts(text)
        except MarkupError as error:
            try:
                parts = _parts(with_all_tags(text))
            except MarkupError:
                raise ToolCallError(f"failed to parse XML: {error}") from None
        name, keys, values = parts
        tool = declared(self.tools, name)
        pairs = zip(keys, values, strict=True)
        self._write_call(
            name, {key: coerce_lines(value, types_of(tool, key)) for key, value in pairs}
        )


class Glm47Parser(GlmOcrParser):
    """Thinks from the start, unless the request says no."""

    has_thinking = True

    def _start(self, last: Message | None) -> None:
        self._state = self._thinking if thinks(self._think, default=True) else self._opening


def _parts(text: str) -> tuple[str, list[str], list[str]]:
    """Name, keys and values of a call. Raises `MarkupError` or `ToolCallError`."""
    call = first_element(text, _TAG, Element("tool_call"))
    name = call.text.strip(WHITE_SPACE)
    if not name:
        raise ToolCallError("empty function name")
    keys = [item.text.strip(WHITE_SPACE) for item in call.children if item.tag == "arg_key"]
    values = [item.text for item in call.children if item.tag == "arg_value"]
    if len(keys) != len(values):
        counts = f"{len(keys)} keys, {len(values)} values"
        raise ToolCallError(f"mismatched arg_key and arg_value counts: {counts}")
    return name, keys, values


def _check_unfinished(name: str, keys: list[str], tool: Tool | None) -> None:
    """Refuse a call that may lack more than its end."""
    if tool is None:
        raise ToolCallError(f"tool {quote(name)} is not declared")
    if not all(keys):
        raise ToolCallError("empty argument name")
    for required in tool.parameters.required:
        if required not in keys:
            message = f"required argument {quote(required)} is missing for tool {quote(name)}"
            raise ToolCallError(message)


def with_all_tags(text: str) -> str:
    """A call's text with its four tags put in where the model left them out.

    The tags come in a cycle. One that is missing is put in before the text that it should begin,
    or behind the text that it should end.
    """
    parts = re.split(f"({'|'.join(_CYCLE)})", text)
    if len(parts) == 1:
        return text
    out, phase = _head(parts[0], parts[1])
    texts = ["", *parts[2::2]]
    for tag, before in zip(parts[1::2], texts, strict=False):
        phase = _up_to(out, phase, before, _CYCLE.index(tag))
    rest = texts[len(parts) // 2]
    if phase % 2:
        out += [rest, *_CYCLE[phase : phase + 1]]
        phase = (phase + 1) % 4
    if phase == 2:
        out += _CYCLE[2:]
    return "".join(out)


def _head(name: str, first_tag: str) -> tuple[list[str], int]:
    """What stands before the first tag; a name ends where white space begins."""
    space = _SPACE.search(name)
    if first_tag == _CYCLE[0] or not space:
        return [name], 0
    return [name[: space.start()], _CYCLE[0], name[space.end() :]], 1


def _up_to(out: list[str], phase: int, text: str, found: int) -> int:
    """Add text and the tag `found` behind it, with the tags missing before; the next phase."""
    if phase != found and phase % 2 == 0 and text:
        out += [_CYCLE[phase], text]
        phase, text = phase + 1, ""
    for tag in cycle(_CYCLE[phase:] + _CYCLE[:phase]):
        if phase == found or (phase % 2 and (phase + 1) % 4 == found):
            out.append(text)
            text = ""
        out.append(tag)
        phase = (phase + 1) % 4
        if tag == _CYCLE[found]:
            return phase
    raise AssertionError("a cycle has no end")
