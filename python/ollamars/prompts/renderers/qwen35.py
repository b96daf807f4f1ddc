"""Qwen 3.5, Qwen 3.8 and Ornith."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Message, Think, Tool
from ollamars.prompts.renderers import chatml, json, scalars, xml_calls
from ollamars.prompts.renderers.conversation import Conversation, is_first_of, is_last_of
from ollamars.prompts.renderers.images import ImageTags
from ollamars.prompts.text import WHITE_SPACE

IMAGE_MARKER: Final = "<|vision_start|><|image_pad|><|vision_end|>"
_INSTRUCTING: Final = ("system", "developer")
_HIGH: Final = (
    "Reasoning effort is set to xhigh. Please think carefully through the task, validate key "
    "assumptions, consider plausible alternatives, and prioritize correctness, consistency, and "
    "clarity in the final answer."
)
_LOW: Final = (
    "Reasoning effort is set to low. Keep your thinking brief and focused, moving directly to the "
    "conclusion without unnecessary elaboration."
)
_EFFORTS: Final[dict[Think, str]] = {None: _HIGH, "high": _HIGH, "max": _HIGH, "low": _LOW}


@dataclass(frozen=True, slots=True)
class Variant:
    """What sets the models of the family apart."""

    always_thinking_block: bool = False
    """Does every assistant turn have a thinking block, and not only those behind the last query?"""
    is_38: bool = False
    """One system turn that starts with the reasoning effort; unknown roles are kept."""

    def render(self, conversation: Conversation) -> str:
        """The prompt. Raises `BadRequest` (Qwen 3.8) for a conversation without a query."""
        effort = ""
        if self.is_38:
            conversation = replace(conversation, messages=_one_system(conversation.messages))
            _check(conversation)
            effort = _EFFORTS.get(conversation.think, "")
        thinking = conversation.thinks(default=True)
        messages = conversation.messages
        images = ImageTags(conversation, IMAGE_MARKER)
        query = last_query(conversation, WHITE_SPACE)
        parts = [self._system(conversation, effort)]
        for index, message in enumerate(messages):
            content = images.content(message).strip(WHITE_SPACE)
            block = self.always_thinking_block or (thinking and index > query)
            parts.append(self._message(messages, index, content, block))
        if messages and messages[-1].role != "assistant":
            thought = "<think>\n" if thinking else "<think>\n\n</think>\n\n"
            parts.append(chatml.opened("assistant") + thought)
        return "".join(parts)

    def _system(self, conversation: Conversation, effort: str) -> str:
        message = conversation.leading("system")
        content = ""
        if message is not None:
            content = ImageTags(conversation, IMAGE_MARKER).content(message).strip(WHITE_SPACE)
        tools = _tools(conversation.tools) if conversation.tools else ""
        text = "\n\n".join(filter(None, (effort, tools, content)))
        return chatml.turn("system", text) if text or (message and not self.is_38) else ""

    def _message(self, messages: Sequence[Message], index: int, content: str, block: bool) -> str:
        message = messages[index]
        if message.role == "assistant":
            end = "" if index == len(messages) - 1 else chatml.END
            return chatml.opened("assistant") + self._answer(message, content, block) + end
        if message.role == "tool":
            return tool_response(messages, index, content)
        known = message.role == "user" or (message.role == "system" and index > 0)
        other = self.is_38 and message.role != "system"
        return chatml.turn(message.role, content) if known or other else ""

    def _answer(self, message: Message, content: str, block: bool) -> str:
        thinking = message.thinking.strip(WHITE_SPACE) if block and message.thinking else None
        if thinking is None:
            thinking = ""
            if not self.is_38:
                thinking, content = split_thinking(content)
        head = f"<think>\n{thinking}\n</think>\n\n" if block else ""
        calls = "\n".join(xml_calls.call(call, scalars.plain) for call in message.tool_calls)
        gap = "\n\n" if calls and content.strip(WHITE_SPACE) else ""
        return head + content + gap + calls


def split_thinking(content: str) -> tuple[str, str]:
    """Thinking that stands in the content before `</think>`, and the rest."""
    before, closed, after = content.partition("</think>")
    if not closed:
        return "", content
    return before.rpartition("<think>")[2].strip(WHITE_SPACE), after.lstrip("\n")


def tool_response(messages: Sequence[Message], index: int, content: str) -> str:
    """A tool's result; those in a row share a user turn."""
    start = chatml.START + "user" if is_first_of(messages, index, "tool") else ""
    end = chatml.END if is_last_of(messages, index, "tool") else ""
    return f"{start}\n<tool_response>\n{content}\n</tool_response>{end}"


def last_query(conversation: Conversation, trimmed: str = "") -> int:
    """Index of the last user message that is more than a tool's result; else the last index.

    `trimmed`: characters at both ends that do not count.
    """
    messages = conversation.messages
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message.role == "user" and not _is_response(conversation, message, trimmed):
            return index
    return len(messages) - 1


def _is_response(conversation: Conversation, message: Message, trimmed: str) -> bool:
    """Is the message, with its images, wholly a tool's result?"""
    content = ImageTags(conversation, IMAGE_MARKER).content(message)
    content = content.strip(trimmed) if trimmed else content
    return content.startswith("<tool_response>") and content.endswith("</tool_response>")


def _tools(tools: Sequence[Tool]) -> str:
    listed = "".join("\n" + json.spaced(json.tool(tool)) for tool in tools)
    return (
        "# Tools\n\nYou have access to the following functions:\n\n"
        f"<tools>{listed}\n</tools>{xml_calls.INSTRUCTIONS}"
    )


def _one_system(messages: Sequence[Message]) -> Sequence[Message]:
    """All instructions joined in one leading system message."""
    instructions = [message for message in messages if message.role in _INSTRUCTING]
    for message in instructions:
        if message.images:
            raise BadRequest(f"{message.role} message cannot contain images")
    if not instructions or (len(instructions) == 1 and messages[0].role == "system"):
        return messages
    texts = (message.content.strip(WHITE_SPACE) for message in instructions)
    system = Message("system", "\n\n".join(filter(None, texts)))
    return [system, *(message for message in messages if message.role not in _INSTRUCTING)]


def _check(conversation: Conversation) -> None:
    if not conversation.messages:
        raise BadRequest("no messages provided")
    users = (message for message in conversation.messages if message.role == "user")
    if all(_is_response(conversation, message, WHITE_SPACE) for message in users):
        raise BadRequest("no user query found in messages")


QWEN35: Final = Variant()
QWEN38: Final = Variant(always_thinking_block=True, is_38=True)
ORNITH: Final = Variant(always_thinking_block=True)
