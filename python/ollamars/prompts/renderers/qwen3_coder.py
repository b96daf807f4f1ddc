"""Qwen3-Coder."""

from __future__ import annotations

import json as plain_json
from collections.abc import Iterable, Sequence
from typing import Final

from ollamars.prompts.messages import Message, Tool
from ollamars.prompts.renderers import chatml, json, scalars, xml_calls
from ollamars.prompts.renderers.conversation import Conversation, is_first_of, is_last_of

_DEFAULT_SYSTEM: Final = (
    "You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks."
)


def render(conversation: Conversation) -> str:
    """The prompt. Of several system messages the first that is not empty counts."""
    messages = [message for message in conversation.messages if message.role != "system"]
    systems = (message.content for message in conversation.messages if message.role == "system")
    system = next(filter(None, systems), "")
    parts = []
    if system or conversation.tools:
        tools = _tools(conversation.tools) if conversation.tools else ""
        parts.append(chatml.turn("system", (system or _DEFAULT_SYSTEM) + tools))
    parts.extend(_message(messages, index) for index in range(len(messages)))
    if messages and messages[-1].role != "assistant":
        parts.append(chatml.opened("assistant"))
    return "".join(parts)


def _message(messages: Sequence[Message], index: int) -> str:
    message = messages[index]
    if message.role == "tool":
        start = chatml.START + "user" if is_first_of(messages, index, "tool") else ""
        end = chatml.END if is_last_of(messages, index, "tool") else ""
        return f"{start}\n<tool_response>\n{message.content}\n</tool_response>{end}"
    if message.role != "assistant":
        return chatml.turn(message.role, message.content)
    if message.tool_calls:
        content = message.content + "\n" if message.content else ""
        calls = "".join("\n" + xml_calls.call(call, scalars.plain) for call in message.tool_calls)
        return chatml.turn("assistant", content + calls)
    end = "" if index == len(messages) - 1 else chatml.END
    return chatml.opened("assistant") + message.content + end


def _tools(tools: Sequence[Tool]) -> str:
    listed = "".join(map(_tool, tools))
    return (
        "\n\n# Tools\n\nYou have access to the following functions:\n\n"
        f"<tools>{listed}\n</tools>{xml_calls.INSTRUCTIONS}"
    )


def _tool(tool: Tool) -> str:
    lines = ["<function>", f"<name>{tool.name}</name>"]
    if tool.description:
        lines.append(f"<description>{tool.description}</description>")
    lines.append("<parameters>")
    for name, item in (tool.parameters.properties or {}).items():
        lines += ["<parameter>", f"<name>{name}</name>"]
        if item.type:
            lines.append(f"<type>{_type(item.type)}</type>")
        if item.description:
            lines.append(f"<description>{item.description}</description>")
        lines += _others(json.property_fields(item), {"type", "description"})
        lines.append("</parameter>")
    lines += _others(json.parameter_fields(tool.parameters), {"type", "properties"})
    return "\n" + "\n".join([*lines, "</parameters>", "</function>"])


def _type(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else json.compact(list(names))


def _others(members: Iterable[tuple[str, str]], handled: set[str]) -> Iterable[str]:
    """The other keys of a schema: objects and lists as sorted JSON, scalars plain."""
    for name, text in members:
        value = plain_json.loads(text, parse_int=float)
        if name not in handled and value is not None:
            yield f"<{name}>{scalars.plain(value)}</{name}>"
