"""Laguna, and Poolside's later layout of the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ollamars.prompts.messages import Message, Tool
from ollamars.prompts.renderers import json
from ollamars.prompts.renderers.conversation import Conversation
from ollamars.prompts.text import WHITE_SPACE

BOS: Final = "〈|EOS|〉"
_DEFAULT_SYSTEM: Final = (
    "You are a helpful, conversationally-fluent assistant made by Poolside. You are here to be "
    "helpful to users through natural language conversations."
)
_TAGS: Final = {"user": "user", "tool": "tool_response", "system": "system"}
_CALL_FORMAT: Final = (
    "For each function call, return an unescaped XML-like object with function name and arguments "
    "within '<tool_call>' and '</tool_call>' tags, like here:\n"
)
_CALL_EXAMPLE: Final = (
    "<tool_call>function-name\n<arg_key>argument-key</arg_key>\n"
    "<arg_value>value-of-argument-key</arg_value>\n</tool_call>"
)


def render_laguna(conversation: Conversation) -> str:
    """The prompt of Laguna. A trailing assistant message that is not empty stays open."""
    thinking = conversation.thinks(default=False)
    system, messages = _split(conversation)
    parts = [BOS, _laguna_system(system, conversation.tools, thinking)]
    for index, message in enumerate(messages):
        if message.role == "assistant":
            parts.append(_laguna_answer(message, last=index == len(messages) - 1))
        elif message.role in _TAGS:
            tag = _TAGS[message.role]
            parts.append(f"<{tag}>\n{message.content}\n</{tag}>\n")
    if not messages or messages[-1].role != "assistant":
        parts.append("<assistant>\n" + ("<think>" if thinking else "</think>"))
    return "".join(parts)


def render_poolside(conversation: Conversation) -> str:
    """The prompt in Poolside's later layout. A generation prompt always follows."""
    thinking = conversation.thinks(default=False)
    system, messages = _split(conversation)
    parts = [BOS]
    tools = _tools(conversation.tools)
    if system or tools or thinking:
        gap = "\n\n" if system and tools else ""
        parts.append(f"<system>{system}{gap}{tools}</system>\n")
    for message in messages:
        if message.role == "assistant":
            parts.append(_poolside_answer(message, thinking))
        elif message.role in _TAGS:
            tag = _TAGS[message.role]
            parts.append(f"<{tag}>{message.content}</{tag}>\n")
    parts.append("<assistant>" + ("<think>" if thinking else "</think>"))
    return "".join(parts)


def _split(conversation: Conversation) -> tuple[str, Sequence[Message]]:
    """The system text (empty if blank) and the other messages."""
    system = conversation.leading("system")
    text = (system.content if system else _DEFAULT_SYSTEM).rstrip(WHITE_SPACE)
    return text, conversation.messages[1:] if system else conversation.messages


def _tools(tools: Sequence[Tool]) -> str:
    if not tools:
        return ""
    listed = "".join(json.spaced(json.tool(tool)) + "\n" for tool in tools)
    return (
        "### Tools\n\nYou may call functions to assist with the user query.\n"
        "All available function signatures are listed below:\n"
        f"<available_tools>\n{listed}</available_tools>"
    )


def _laguna_system(system: str, tools: Sequence[Tool], thinking: bool) -> str:
    if not system and not tools:
        return ""
    text = "\n" + system if system else ""
    if tools:
        how = _CALL_FORMAT
        if thinking:
            how = (
                "Wrap your thinking in '<think>', '</think>' tags, followed by a function call. "
                f"{how}<think> your thoughts here </think>\n"
            )
        text += f"\n\n{_tools(tools)}\n\n{how}{_CALL_EXAMPLE}"
    return f"<system>\n{text}\n</system>\n"


def _laguna_answer(message: Message, *, last: bool) -> str:
    content, thinking = _split_answer(message)
    content, thinking = content.strip(WHITE_SPACE), thinking.strip(WHITE_SPACE)
    stays_open = last and (content or thinking or message.tool_calls)
    thought = f"<think>\n{thinking}\n" if thinking else ""
    body = content + "\n" if content else ""
    calls = _calls(message, "\n")
    end = "" if stays_open else "</assistant>\n"
    return f"<assistant>\n{thought}</think>\n{body}{calls}{end}"


def _split_answer(message: Message) -> tuple[str, str]:
    """Content and thinking, which may stand in the content before `</think>`."""
    before, closed, _ = message.content.partition("</think>")
    if not closed:
        return message.content, message.thinking
    inside = before.rstrip("\n").rpartition("<think>")[2].lstrip("\n")
    content = message.content.rpartition("</think>")[2].lstrip("\n")
    return content, message.thinking or inside


def _poolside_answer(message: Message, thinking: bool) -> str:
    thought = f"<think>{message.thinking}" if thinking else ""
    return f"<assistant>{thought}</think>{message.content}{_calls(message, '')}</assistant>\n"


def _calls(message: Message, line_end: str) -> str:
    return "".join(
        f"<tool_call>{call.name}{line_end}"
        + "".join(
            f"<arg_key>{name}</arg_key>{line_end}<arg_value>{_value(value)}</arg_value>{line_end}"
            for name, value in call.arguments.items()
        )
        + f"</tool_call>{line_end}"
        for call in message.tool_calls
    )


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.spaced(json.compact(value))
