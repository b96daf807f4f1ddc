"""LFM2, with and without thinking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ollamars.prompts.messages import Message, Tool, ToolCall
from ollamars.prompts.renderers import chatml, json
from ollamars.prompts.renderers.conversation import Conversation
from ollamars.prompts.renderers.images import ImageTags
from ollamars.prompts.text import WHITE_SPACE

BOS: Final = "<|startoftext|>"
_MARKER: Final = "<image>"
_CALLS: Final = "<|tool_call_start|>"
_RESPONSE: Final = "<|tool_response_start|>"


@dataclass(frozen=True, slots=True)
class Variant:
    """Only one of the two models knows thinking tags."""

    thinks: bool

    def render(self, conversation: Conversation) -> str:
        """The prompt. Calls stand before the content."""
        system = conversation.leading("system")
        images = _Images(conversation)
        if system:
            images.skip(system)
        messages = conversation.messages[1:] if system else conversation.messages
        text = _system(system.content if system else "", conversation.tools)
        parts = [BOS, chatml.turn("system", text) if text else ""]
        keep = self.thinks and conversation.thinks(default=False)
        assistants = [i for i, message in enumerate(messages) if message.role == "assistant"]
        latest = assistants[-1] if assistants else -1
        for index, message in enumerate(messages):
            content = images.content(message)
            if message.role == "assistant":
                content = self._answer(message, content, old=not keep and index != latest)
            elif message.role == "tool" and _RESPONSE not in content:
                content = f"{_RESPONSE}{content}<|tool_response_end|>"
            parts.append(chatml.opened(message.role) + content)
            open_end = index == len(messages) - 1 and message.role == "assistant"
            parts.append("" if open_end else chatml.END)
        if not messages or messages[-1].role != "assistant":
            parts.append(chatml.opened("assistant"))
        return "".join(parts)

    def _answer(self, message: Message, content: str, *, old: bool) -> str:
        if message.tool_calls and _CALLS not in content:
            gap = "\n" if content.strip(WHITE_SPACE) else ""
            content = _calls(message.tool_calls) + gap + content
        if self.thinks and message.thinking and "</think>" not in content:
            content = f"<think>{message.thinking}</think>{content}"
        if old and "</think>" in content:
            content = content.rpartition("</think>")[2].strip(WHITE_SPACE)
        return content


class _Images(ImageTags):
    """Images whose marker may stand in the text already."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation, _MARKER)

    def content(self, message: Message, text: str | None = None) -> str:
        """The text of a message with its images."""
        if not self._numbered and _MARKER in message.content:
            return message.content
        return super().content(message, text)


def _system(system: str, tools: Sequence[Tool]) -> str:
    if not tools:
        return system
    listed = ", ".join(map(_tool, tools))
    gap = "\n" if system else ""
    return f"{system}{gap}List of tools: <|tool_list_start|>[{listed}]<|tool_list_end|>"


def _tool(tool: Tool) -> str:
    text = json.function(tool, html=False) if tool.name else json.tool(tool, html=False)
    return json.spaced(text)


def _calls(calls: Sequence[ToolCall]) -> str:
    return f"{_CALLS}[{','.join(map(_call, calls))}]<|tool_call_end|>"


def _call(call: ToolCall) -> str:
    arguments = (
        f"{name}={json.spaced(json.compact(call.arguments[name], html=False))}"
        for name in sorted(call.arguments)
    )
    return f"{call.name}({','.join(arguments)})"


LFM2: Final = Variant(thinks=False)
LFM2_THINKING: Final = Variant(thinks=True)
