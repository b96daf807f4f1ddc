"""DeepSeek V3.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ollamars.prompts.messages import Message, Tool
from ollamars.prompts.renderers import json
from ollamars.prompts.renderers.conversation import Conversation

BOS: Final = "<｜begin▁of▁sentence｜>"
_END: Final = "<｜end▁of▁sentence｜>"
_ASSISTANT: Final = "<｜Assistant｜>"
_USAGE: Final = """\

IMPORTANT: ALWAYS adhere to this exact format for tool use:
<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments\
<｜tool▁call▁end｜>{{additional_tool_calls}}<｜tool▁calls▁end｜>

Where:

- `tool_call_name` must be an exact match to one of the available tools
- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema
- For multiple tool calls, chain them directly without separators or spaces
"""


def render(conversation: Conversation) -> str:
    """The prompt. A generation prompt follows only a user message."""
    thinking = conversation.thinks(default=False)
    last_user = conversation.last_index("user")
    systems = (message.content for message in conversation.messages if message.role == "system")
    parts = [BOS + "\n\n".join(systems), _tools(conversation.tools)]
    previous = ""
    for index, message in enumerate(conversation.messages):
        if message.role == "user":
            parts.append("<｜User｜>" + message.content)
        elif message.role == "tool":
            parts.append(f"<｜tool▁output▁begin｜>{message.content}<｜tool▁output▁end｜>")
        elif message.role == "assistant":
            if previous == "user":
                current = thinking and index > last_user and message.thinking
                parts.append(_ASSISTANT + _opening(bool(current) and not message.tool_calls))
            parts.append(_answer(message, after_tool=previous == "tool"))
        else:
            continue
        previous = message.role
    if previous == "user":
        parts.append(_ASSISTANT + _opening(thinking))
    return "".join(parts)


def _opening(thinking: bool) -> str:
    return "<think>" if thinking else "</think>"


def _answer(message: Message, *, after_tool: bool) -> str:
    if not message.tool_calls:
        _, closed, after = message.content.partition("</think>")
        return (after if closed and not after_tool else message.content) + _END
    calls = "".join(
        f"<｜tool▁call▁begin｜>{call.name}<｜tool▁sep｜>{json.arguments(call.arguments)}"
        "<｜tool▁call▁end｜>"
        for call in message.tool_calls
    )
    return f"{message.content}<｜tool▁calls▁begin｜>{calls}<｜tool▁calls▁end｜>{_END}"


def _tools(tools: Sequence[Tool]) -> str:
    if not tools:
        return ""
    listed = "".join(
        f"\n### {tool.name}\nDescription: {tool.description}\n\n"
        f"Parameters: {json.parameters(tool.parameters)}\n"
        for tool in tools
    )
    return f"\n\n## Tools\nYou have access to the following tools:\n{listed}{_USAGE}"
