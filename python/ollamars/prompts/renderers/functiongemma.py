"""FunctionGemma."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ollamars.prompts.messages import Message, Tool, ToolCall, ToolProperty
from ollamars.prompts.renderers import scalars
from ollamars.prompts.renderers.conversation import Conversation
from ollamars.prompts.text import WHITE_SPACE

BOS: Final = "<bos>"
_QUOTE: Final = "<escape>"
_END: Final = "<end_of_turn>\n"
_INTRODUCTION: Final = "You can do function calling with the following functions:"


def render(conversation: Conversation) -> str:
    """The prompt. What follows a tool's result goes on in its turn."""
    system = conversation.leading("system", "developer")
    messages = conversation.messages[1:] if system else conversation.messages
    parts = [BOS, _system(system.content if system else "", conversation.tools)]
    before = ""
    for index, message in enumerate(messages):
        following = messages[index + 1].role if index + 1 < len(messages) else ""
        if message.role == "tool":
            start = "" if before == "call" else "<start_function_response>"
            parts.append(f"{start}{_response(messages, index)}")
            before = "response"
        elif message.role in ("user", "assistant"):
            role = "user" if message.role == "user" else "model"
            start = "" if before == "response" else f"<start_of_turn>{role}\n"
            calls = "".join(map(_call, message.tool_calls)) if role == "model" else ""
            awaits = bool(calls) and following == "tool"
            end = "<start_function_response>" if awaits else _END
            parts.append(start + message.content.strip(WHITE_SPACE) + calls + end)
            before = "call" if awaits else ""
        else:
            text = message.content.strip(WHITE_SPACE)
            parts.append(f"<start_of_turn>{message.role}\n{text}{_END}")
    return "".join(parts) + ("" if before == "response" else "<start_of_turn>model\n")


def _system(system: str, tools: Sequence[Tool]) -> str:
    if not system and not tools:
        return ""
    text = system.strip(WHITE_SPACE)
    if tools and system:
        text += "\n"
    if tools and system.strip(WHITE_SPACE) != _INTRODUCTION:
        text += _INTRODUCTION
    return "<start_of_turn>developer\n" + text + "".join(map(_declaration, tools)) + _END


def _declaration(tool: Tool) -> str:
    members = []
    if tool.parameters.properties:
        members.append(f"properties:{scalars.members(dict(tool.parameters.properties), _property)}")
    if tool.parameters.required:
        members.append("required:" + _value(tool.parameters.required))
    if tool.parameters.type:
        members.append("type:" + _value(tool.parameters.type.upper()))
    known = tool.parameters.properties is not None or tool.parameters.type
    parameters = ",parameters:{" + ",".join(members) + "}" if known else ""
    return (
        f"<start_function_declaration>declaration:{tool.name}"
        f"{{description:{_value(tool.description)}{parameters}}}<end_function_declaration>"
    )


def _property(item: ToolProperty) -> str:
    kind = f",type:{_value(item.type[0].upper())}" if item.type else ""
    return f"{{description:{_value(item.description)}{kind}}}"


def _call(call: ToolCall) -> str:
    arguments = scalars.members(dict(call.arguments), _value)
    return f"<start_function_call>call:{call.name}{arguments}<end_function_call>"


def _response(messages: Sequence[Message], index: int) -> str:
    """A tool's result; its name is that of the call at the same place."""
    name = ""
    place = 0
    for message in reversed(messages[:index]):
        if message.role == "assistant" and message.tool_calls:
            if place < len(message.tool_calls):
                name = message.tool_calls[place].name
            break
        place += message.role == "tool"
    return f"response:{name}{{{_value(messages[index].content)}}}<end_function_response>"


def _value(value: Any) -> str:
    return scalars.notation(value, _QUOTE, "<nil>")
