"""Qwen3-VL, with and without thinking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ollamars.prompts.messages import Message, Tool, ToolCall
from ollamars.prompts.renderers import chatml, json
from ollamars.prompts.renderers.conversation import Conversation
from ollamars.prompts.renderers.images import ImageTags
from ollamars.prompts.renderers.qwen35 import IMAGE_MARKER, last_query, tool_response


@dataclass(frozen=True, slots=True)
class Variant:
    """The two models differ in what an absent `think` means."""

    thinks: bool

    def render(self, conversation: Conversation) -> str:
        """The prompt."""
        thinking = conversation.thinks(default=self.thinks)
        messages = conversation.messages
        images = ImageTags(conversation, IMAGE_MARKER)
        query = last_query(conversation)
        parts = [_system(conversation)]
        for index in range(len(messages)):
            content = images.content(messages[index])
            parts.append(_message(messages, index, content, thinking and index > query))
        if messages and messages[-1].role != "assistant":
            parts.append(chatml.opened("assistant") + ("<think>\n" if thinking else ""))
        return "".join(parts)


def _system(conversation: Conversation) -> str:
    message = conversation.leading("system")
    if conversation.tools:
        content = message.content + "\n\n" if message else ""
        return chatml.turn("system", content + _tools(conversation.tools))
    return chatml.turn("system", message.content) if message else ""


def _tools(tools: Sequence[Tool]) -> str:
    listed = "".join("\n" + json.spaced(json.tool(tool)) for tool in tools)
    return (
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n"
        f"<tools>{listed}\n</tools>\n\n"
        "For each function call, return a json object with function name and arguments within "
        "<tool_call></tool_call> XML tags:\n<tool_call>\n"
        '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
    )


def _message(messages: Sequence[Message], index: int, content: str, thinking: bool) -> str:
    message = messages[index]
    last = index == len(messages) - 1
    if message.role == "tool":
        return tool_response(messages, index, content)
    if message.role == "assistant":
        text = content
        if thinking and (last or message.thinking):
            text = _thought(message.thinking, content)
        calls = _calls(message.tool_calls, content)
        return chatml.opened("assistant") + text + calls + ("" if last else chatml.END)
    known = message.role == "user" or (message.role == "system" and index > 0)
    return chatml.turn(message.role, content) if known else ""


def _thought(thinking: str, content: str) -> str:
    closed = "\n</think>\n\n" + content.lstrip("\n") if content else ""
    return "<think>\n" + thinking.strip("\n") + closed


def _calls(calls: Sequence[ToolCall], content: str) -> str:
    texts = (
        f'<tool_call>\n{{"name": "{call.name}", "arguments": '
        f"{json.spaced(json.arguments(call.arguments))}}}\n</tool_call>"
        for call in calls
    )
    text = "\n".join(texts)
    return "\n" + text if text and content else text


INSTRUCT: Final = Variant(thinks=False)
THINKING: Final = Variant(thinks=True)
