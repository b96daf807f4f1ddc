"""Qwen3-Coder, Qwen 3.5, Ornith and Nemotron: calls as `<function=..>` and `<parameter=..>`."""

from __future__ import annotations

import re
from typing import Final

from ollamars.prompts.messages import Message
from ollamars.prompts.parsers.coerce import coerce_lines, declared, types_of
from ollamars.prompts.parsers.markup import (
    Element,
    MarkupError,
    escaped_attribute,
    first_element,
)
from ollamars.prompts.parsers.stream import ToolCallError, goes_on, thinks
from ollamars.prompts.parsers.tagged import TaggedParser

_SHORT_TAG: Final = re.compile(r"<(\w+)=([^>]+)>", re.ASCII)
_TAG: Final = re.compile(
    r'<(?P<end>/?)(?P<tag>function|parameter)(?:[\t\n\f\r ]+name="(?P<name>[^"]*)")?>'
)


class Qwen3CoderParser(TaggedParser):
    """Content and calls."""

    def _read_call(self, text: str) -> None:
        try:
            function = _function(text)
        except MarkupError as error:
            raise ToolCallError(str(error)) from None
        tool = declared(self.tools, function.name)
        arguments = {
            parameter.name: coerce_lines(parameter.text, types_of(tool, parameter.name))
            for parameter in function.children
            if parameter.tag == "parameter"
        }
        self._write_call(function.name, arguments)


def _function(text: str) -> Element:
    """The first `function` element. `<tag=x>` stands for `<tag name="x">`, also in values."""
    end = text.rfind(">") + 1  # no tag can be found behind it
    tags = _SHORT_TAG.sub(lambda tag: f'<{tag[1]} name="{escaped_attribute(tag[2])}">', text[:end])
    element = first_element(tags + text[end:], _TAG)
    if element.tag != "function":
        raise MarkupError(f"expected element type <function> but have <{element.tag}>")
    return element


class Qwen35Parser(Qwen3CoderParser):
    """Thinking by default, with one leading `<think>` at most."""

    has_thinking = True
    closing_wins = True

    def _start(self, last: Message | None) -> None:
        if thinks(self._think, default=True) and not goes_on(last):
            self._state = self._opening


class NemotronParser(Qwen35Parser):
    """As Qwen 3.5, but thinking ends with what comes first."""

    closing_wins = False
    kept_on_error = frozenset({"thinking"})
