"""Cohere's Command A and North models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ollamars.prompts.messages import Message, Tool
from ollamars.prompts.renderers import json
from ollamars.prompts.renderers.conversation import Conversation, is_first_of, is_last_of

_TURN: Final = "<|START_OF_TURN_TOKEN|>"
_END: Final = "<|END_OF_TURN_TOKEN|>"
_TEXT_END: Final = "<|END_TEXT|>" + _END
_TAGS: Final = {"system": "<|SYSTEM_TOKEN|>", "user": "<|USER_TOKEN|>"}
_ASSISTANT: Final = _TURN + "<|CHATBOT_TOKEN|>"
_ASSISTANTS: Final = ("assistant", "chatbot")


def render(conversation: Conversation) -> str:
    """The prompt. A trailing assistant text stays open."""
    system = conversation.leading("system")
    messages = conversation.messages[1:] if system else conversation.messages
    numbers = _CallNumbers()
    text = system.content + "\n\n\n\n" if system and system.content else ""
    parts = [_turn("system", text + _tools(conversation.tools))]
    for index, message in enumerate(messages):
        if message.role in _TAGS:
            parts.append(_turn(message.role, message.content))
        elif message.role in _ASSISTANTS:
            thought = _thought(message)
            if message.tool_calls:
                calls = _calls(message, numbers)
                parts.append(f"{_ASSISTANT}\n            \n                {thought}{calls}{_END}")
            else:
                end = "" if index == len(messages) - 1 else _TEXT_END
                parts.append(f"{_ASSISTANT}{thought}<|START_TEXT|>{message.content}{end}")
        elif message.role == "tool":
            parts.append(_result(messages, index, numbers))
    last = messages[-1] if messages else None
    if last is None or last.role not in _ASSISTANTS or last.tool_calls:
        end = "" if conversation.thinks(default=True) else "<|END_THINKING|>"
        parts.append(f"{_ASSISTANT}<|START_THINKING|>{end}")
    return "".join(parts)


class _CallNumbers:
    """Numbers of the calls over the whole chat, and which given id got which."""

    def __init__(self) -> None:
        self._count = 0
        self._numbers: dict[str, str] = {}

    def add(self, given: str) -> str:
        number = str(self._count)
        self._count += 1
        if given:
            self._numbers.setdefault(given, number)
        return number

    def of(self, given: str) -> str:
        return self._numbers.get(given, given)


def _turn(role: str, text: str) -> str:
    return f"{_TURN}{_TAGS[role]}<|START_TEXT|>{text}{_TEXT_END}"


def _tools(tools: Sequence[Tool]) -> str:
    listed = ",\n\n".join(f"\n    {_tool(tool)}" for tool in tools)
    return f"# Available Tools\n```json\n[\n{listed}\n\n\n]\n```"


def _tool(tool: Tool) -> str:
    members = (
        ("name", json.compact(tool.name)),
        ("description", json.compact(tool.description)),
        ("parameters", json.parameters(tool.parameters)),
        ("responses", "null"),
    )
    return json.spaced(json.fields(members))


def _thought(message: Message) -> str:
    if not message.thinking:
        return ""
    return f"<|START_THINKING|>{message.thinking}<|END_THINKING|>"


def _calls(message: Message, numbers: _CallNumbers) -> str:
    calls = ",".join(
        f'\n\n    {{"tool_call_id": "{numbers.add(call.id)}", "tool_name": "{call.name}", '
        f'"parameters": {json.spaced(json.arguments(call.arguments))}}}'
        for call in message.tool_calls
    )
    return f"<|START_ACTION|>[{calls}\n\n]<|END_ACTION|>"


def _result(messages: Sequence[Message], index: int, numbers: _CallNumbers) -> str:
    """A tool's result; those in a row share a turn."""
    message = messages[index]
    start, end = ",", ""
    if is_first_of(messages, index, "tool"):
        start = f"{_TURN}{_TAGS['system']}<|START_TOOL_RESULT|>["
    if is_last_of(messages, index, "tool"):
        end = f"\n\n]<|END_TOOL_RESULT|>{_END}"
    content = json.spaced(json.compact({"content": message.content}))
    return (
        f'{start}\n    {{\n        "tool_call_id": "{numbers.of(message.tool_call_id)}",\n'
        f'        "results": {{\n\n            \n            "0": {content}\n\n        }},\n'
        f'        "is_error": null\n    }}{end}'
    )
