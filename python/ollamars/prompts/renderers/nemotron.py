"""Nemotron 3 and 3.5 Nano."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ollamars.prompts.messages import Message, Tool, ToolProperty
from ollamars.prompts.renderers import chatml, json, scalars, xml_calls
from ollamars.prompts.renderers.conversation import (
    Conversation,
    is_first_of,
    is_last_of,
    last_index,
)
from ollamars.prompts.renderers.images import ImageTags
from ollamars.prompts.text import WHITE_SPACE
from ollamars.store.gotext import quote

_EMPTY: Final = "<think></think>"
_PYTHON: Final = {None: "None", True: "True", False: "False"}


@dataclass(frozen=True, slots=True)
class Variant:
    """The two models differ in what words in messages do, and in line breaks around thinking."""

    is_35: bool

    def render(self, conversation: Conversation) -> str:
        """The prompt. A system turn is always written, even an empty one."""
        system = conversation.leading("system")
        messages = conversation.messages[1:] if system else conversation.messages
        text = self._without_toggles(system.content) if system else ""
        tools = _tools(conversation.tools) if conversation.tools else ""
        parts = [chatml.turn("system", text + ("\n\n" if text and tools else "") + tools)]
        images = _Images(conversation)
        last_user = last_index(messages, "user")
        efficient = self.is_35 and conversation.think == "medium"
        for index, message in enumerate(messages):
            if message.role in ("user", "system"):
                content = self._without_toggles(images.content(message))
                content = content if self.is_35 else content.strip(WHITE_SPACE)
                if efficient and index == last_user:
                    content += "\n\n{reasoning effort: efficient}"
                parts.append(chatml.turn(message.role, content))
            elif message.role == "tool":
                parts.append(_response(messages, index, images.content(message)))
            elif message.role == "assistant":
                parts.append(chatml.turn("assistant", self._answer(message, index < last_user)))
            else:
                parts.append(chatml.turn(message.role, message.content))
        thought = "<think>\n" if self._thinks(conversation) else _EMPTY
        return "".join(parts) + chatml.opened("assistant") + thought

    def _thinks(self, conversation: Conversation) -> bool:
        """What the request says, unless (3) a later word in a message says otherwise."""
        thinking = conversation.thinks(default=True)
        for message in () if self.is_35 else conversation.messages:
            if message.role not in ("user", "system"):
                continue
            if "/think" in message.content.replace("</think>", ""):
                thinking = True
            elif "/no_think" in message.content:
                thinking = False
        return thinking

    def _without_toggles(self, text: str) -> str:
        if self.is_35:
            return text
        kept = "<_end_think>"
        text = text.replace("</think>", kept).replace("/think", "").replace("/no_think", "")
        return text.replace(kept, "</think>")

    def _answer(self, message: Message, old: bool) -> str:
        content = self._with_thinking(message)
        if not message.tool_calls:
            if old and "<think>" in content and "</think>" in content:
                content = _EMPTY + content.rpartition("</think>")[2]
            return content.strip(WHITE_SPACE)
        head = _EMPTY
        if content.strip(WHITE_SPACE):
            head = (_without_thinking(content) if old else content).strip(WHITE_SPACE) + "\n"
        calls = (xml_calls.call(call, _python) + "\n" for call in message.tool_calls)
        return head + "".join(calls)

    def _with_thinking(self, message: Message) -> str:
        content = message.content
        if message.thinking:
            gap = "" if self.is_35 else "\n"
            return f"<think>\n{message.thinking}{gap}</think>{gap}{content}"
        known = "<think>" in content or "</think>" in content
        return content if known else _EMPTY + content


class _Images(ImageTags):
    """Images that have numbers in any case."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._numbered = True


def _without_thinking(content: str) -> str:
    """Content of an earlier turn, its thinking reduced to an empty pair."""
    if "</think>" in content:
        content = content.rpartition("</think>")[2]
    else:
        content = content.partition("<think>")[0]
    return _EMPTY + content.strip(WHITE_SPACE)


def _response(messages: Sequence[Message], index: int, content: str) -> str:
    """A tool's result. One with nothing before it opens no turn."""
    start = chatml.opened("user") if index and is_first_of(messages, index, "tool") else ""
    end = chatml.END if is_last_of(messages, index, "tool") else ""
    return f"{start}<tool_response>\n{content}\n</tool_response>\n{end}"


def _python(value: Any) -> str:
    """A value as Python's `str` shows it; objects and lists as JSON."""
    if value is None or isinstance(value, bool):
        return _PYTHON[value]
    if isinstance(value, Mapping | list | tuple):
        return _json(value)
    return scalars.plain(value)


def _json(value: Any) -> str:
    """JSON in which only quotes, `\\` and characters that do not print are escaped."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Mapping):
        return _object((name, _json(value[name])) for name in sorted(value))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_json, value)) + "]"
    return json.compact(value)


def _object(members: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{quote(name)}: {text}" for name, text in members) + "}"


def _properties(items: Mapping[str, ToolProperty]) -> str:
    return _object((name, _property(item)) for name, item in items.items())


def _property(item: ToolProperty) -> str:
    return _object(_fields(item))


def _fields(item: ToolProperty) -> Iterable[tuple[str, str]]:
    """The fields of a property that are not empty."""
    if item.any_of:
        yield "anyOf", "[" + ", ".join(map(_property, item.any_of)) + "]"
    if item.type:
        yield "type", _json(item.type[0] if len(item.type) == 1 else item.type)
    if item.items is not None:
        yield "items", _json(item.items)
    if item.description:
        yield "description", _json(item.description)
    if item.enum:
        yield "enum", _json(item.enum)
    if item.properties is not None:
        yield "properties", _properties(item.properties)
    if item.required:
        yield "required", _json(item.required)


_PARAMETER_ORDER: Final = ("enum", "anyOf", "items", "properties", "required")


def _tools(tools: Sequence[Tool]) -> str:
    listed = "".join(map(_tool, tools))
    return (
        "# Tools\n\nYou have access to the following functions:\n\n"
        f"<tools>{listed}\n</tools>{xml_calls.INSTRUCTIONS}"
    )


def _tool(tool: Tool) -> str:
    lines = ["<function>", f"<name>{tool.name}</name>"]
    if tool.description:
        lines.append(f"<description>{tool.description.strip(WHITE_SPACE)}</description>")
    lines.append("<parameters>")
    for name, item in (tool.parameters.properties or {}).items():
        lines += ["<parameter>", f"<name>{name}</name>", *_parameter(item), "</parameter>"]
    for name, value in (("$defs", tool.parameters.defs), ("items", tool.parameters.items)):
        if value is not None:
            lines.append(f"<{name}>{_python(value)}</{name}>")
    if tool.parameters.required:
        lines.append(f"<required>{_json(tool.parameters.required)}</required>")
    return "\n" + "\n".join([*lines, "</parameters>", "</function>"])


def _parameter(item: ToolProperty) -> Iterable[str]:
    if item.type:
        union = "[" + ", ".join(f"'{name}'" for name in item.type) + "]"
        yield f"<type>{item.type[0] if len(item.type) == 1 else union}</type>"
    if item.description:
        yield f"<description>{item.description.strip(WHITE_SPACE)}</description>"
    fields = dict(_fields(item))
    for name in _PARAMETER_ORDER:
        if name in fields:
            yield f"<{name}>{fields[name]}</{name}>"


NEMOTRON3: Final = Variant(is_35=False)
NEMOTRON35: Final = Variant(is_35=True)
