"""Cogito."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ollamars.prompts.messages import Message
from ollamars.prompts.renderers import json
from ollamars.prompts.renderers.conversation import Conversation, is_first_of, is_last_of
from ollamars.prompts.renderers.deepseek3 import BOS

_END: Final = "<｜end▁of▁sentence｜>"
_ASSISTANT: Final = "<｜Assistant｜>"
_IDENTITY: Final = (
    "You are Cogito, an AI assistant created by Deep Cogito, which is an AI research lab based in "
    "San Francisco."
)


def render(conversation: Conversation) -> str:
    """The prompt. Only a leading system message counts."""
    thinking = conversation.thinks(default=False)
    system = conversation.leading("system")
    messages = conversation.messages[1:] if system else conversation.messages
    parts = [BOS + _system(conversation, system.content if system else "", thinking)]
    last = ""
    for index, message in enumerate(messages):
        parts.append(_message(messages, index))
        last = message.role if message.role in ("user", "assistant", "tool") else last
    if last != "user":
        parts.append(_ASSISTANT)
    return "".join(parts) + ("<think>\n" if thinking else "")


def _system(conversation: Conversation, system: str, thinking: bool) -> str:
    text = "Enable deep thinking subroutine.\n\n" + _IDENTITY if thinking else _IDENTITY
    if system:
        text += f"\n\n{system}" + ("\n\n" if thinking else "")
    if conversation.tools:
        text += "\nYou have the following functions available:\n"
    for tool in conversation.tools:
        text += f"```json\n{json.indented(json.tool(tool), '    ')}\n```\n"
    return text


def _message(messages: Sequence[Message], index: int) -> str:
    message = messages[index]
    if message.role == "user":
        return f"<｜User｜>{message.content}{_ASSISTANT}"
    if message.role == "assistant":
        return message.content + _calls(message) + _END
    if message.role != "tool":
        return ""
    start = "<｜tool▁outputs▁begin｜>" if is_first_of(messages, index, "tool") else ""
    end = "<｜tool▁outputs▁end｜>" if is_last_of(messages, index, "tool") else "\n"
    return f"{start}<｜tool▁output▁begin｜>{message.content}<｜tool▁output▁end｜>{end}"


def _calls(message: Message) -> str:
    calls = "\n".join(
        f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{call.name}\n```json\n"
        f"{json.arguments(call.arguments)}\n```<｜tool▁call▁end｜>"
        for call in message.tool_calls
    )
    return f"<｜tool▁calls▁begin｜>{calls}<｜tool▁calls▁end｜>" if calls else ""
