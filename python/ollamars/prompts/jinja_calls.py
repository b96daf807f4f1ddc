"""How a model with a Jinja text writes tool calls: as that text writes the call of a conversation.

llama.cpp finds out the same way: it renders a conversation with a call and looks at what was added.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from ollamars.errors import OllamarsError
from ollamars.prompts.capabilities import chat_template_capabilities
from ollamars.prompts.jinja import JinjaRender, jinja_renderer
from ollamars.prompts.messages import Message, Tool, ToolCall, ToolParameters, ToolProperty
from ollamars.prompts.parsers import PARSERS, parser
from ollamars.prompts.text import WHITE_SPACE
from ollamars.prompts.tool_tag import OBJECT_TAG
from ollamars.prompts.tools import ToolParser

_NAME: Final = "probe_of_calls"
_ARGUMENTS: Final = {"place": "here"}
_TOOL: Final = Tool(
    _NAME,
    "d",
    ToolParameters(
        "object", required=("place",), properties={"place": ToolProperty(type=("string",))}
    ),
)
_USER: Final = Message("user", "Where?")
# Some templates take only ids of nine characters.
_CALL: Final = Message("assistant", tool_calls=(ToolCall(_NAME, _ARGUMENTS, id="call00001"),))
_ANY_DAY: Final = datetime.date(2024, 1, 1)


@dataclass(frozen=True, slots=True)
class CallFormat:
    """What reads the calls: the parser of a family, or JSON behind a tag."""

    tag: str = OBJECT_TAG
    family: str = ""


def call_format(template: str, render: JinjaRender) -> CallFormat:
    """How the calls of a model with this Jinja text look; JSON objects where it does not say."""
    rendered = jinja_renderer(template, render, today=_ANY_DAY, tools=[_TOOL])
    try:
        text = _added(rendered([_USER]), rendered([_USER, _CALL]))
    except OllamarsError:
        return CallFormat()
    tag = _last_line(text.partition(_NAME)[0].partition("{")[0])
    if _reads(ToolParser(tag or OBJECT_TAG, [_NAME]).add(text)[0]):
        return CallFormat(tag or OBJECT_TAG)
    thinks = "thinking" in chat_template_capabilities(template)
    fitting = sorted(PARSERS, key=lambda name: PARSERS[name].has_thinking != thinks)
    return CallFormat(family=next((name for name in fitting if _family_reads(name, text)), ""))


def _added(before: str, after: str) -> str:
    """What stands in `after` where `before` asks for an answer."""
    both = zip(before, after, strict=False)
    shorter = min(len(before), len(after))
    size = next((at for at, (one, other) in enumerate(both) if one != other), shorter)
    if size < len(before):
        # The two may begin alike, as `<think>` and `<tool_call>` do.
        size = max(before.rfind(char, 0, size) for char in "\n>") + 1
    return after[size:]


def _last_line(text: str) -> str:
    return text.strip(WHITE_SPACE).rpartition("\n")[2].strip(WHITE_SPACE)


def _family_reads(name: str, text: str) -> bool:
    made = parser(name, [_TOOL], _USER, False)
    try:
        return made is not None and _reads(list(made.add(text, True).tool_calls))
    except OllamarsError:
        return False


def _reads(calls: list[ToolCall]) -> bool:
    return [(call.name, call.arguments) for call in calls] == [(_NAME, _ARGUMENTS)]
