"""From the items of `/v1/responses` to the messages of a conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Message, ToolCall
from ollamars.server.dialects.openai.content import image_of_url
from ollamars.server.dialects.openai.responses_input import (
    CallItem,
    Content,
    FileContent,
    ImageContent,
    Item,
    MessageItem,
    OutputItem,
    ReasoningItem,
    TextContent,
)
from ollamars.server.dialects.openai.tool_calls import read_arguments
from ollamars.store.gosyntax import SyntaxFault


def messages_of(instructions: str, input: str | Iterable[Item]) -> list[Message]:
    """The conversation that a request stands for. Raises `BadRequest`."""
    conversation = _Conversation()
    if instructions:
        conversation.messages.append(Message("system", instructions))
    if isinstance(input, str):
        if input:
            conversation.messages.append(Message("user", input))
        return conversation.messages
    for item in input:
        conversation.add(item)
    return conversation.end()


class _Conversation:
    """Messages so far, and the thinking that belongs to the next one of the model."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._thinking = ""

    def add(self, item: Item) -> None:
        """Add an item."""
        if isinstance(item, ReasoningItem):
            self._thinking = item.text
        elif isinstance(item, MessageItem):
            self._add_message(item)
        elif isinstance(item, CallItem):
            self._add_call(item)
        elif isinstance(item, OutputItem):
            self._add_output(item)

    def end(self) -> list[Message]:
        """The conversation; thinking that nothing came after is a message of its own."""
        if self._thinking:
            self.messages.append(Message("assistant", thinking=self._taken()))
        return self.messages

    def _taken(self) -> str:
        thinking, self._thinking = self._thinking, ""
        return thinking

    def _add_message(self, item: MessageItem) -> None:
        content, images = _read(item.content)
        role = item.role.lower()
        thinking = self._taken() if role == "assistant" else ""
        self.messages.append(Message(role, content, thinking=thinking, images=images))

    def _add_call(self, item: CallItem) -> None:
        """A call belongs to the message of the model before it, if there is one."""
        call = _call(item)
        if self.messages and self.messages[-1].role == "assistant":
            last = self.messages[-1]
            thinking = self._taken() or last.thinking
            calls = (*last.tool_calls, call)
            self.messages[-1] = replace(last, tool_calls=calls, thinking=thinking)
        else:
            thinking = self._taken()
            self.messages.append(Message("assistant", thinking=thinking, tool_calls=(call,)))

    def _add_output(self, item: OutputItem) -> None:
        """What a tool answered stands behind the message that called it."""
        content, images = _read(item.output)
        self._join_called(item.call_id)
        calls = (call for message in reversed(self.messages) for call in message.tool_calls)
        name = next((call.name for call in calls if call.id == item.call_id), "")
        self.messages.append(
            Message("tool", content, images=images, tool_name=name, tool_call_id=item.call_id)
        )

    def _join_called(self, call_id: str) -> None:
        """Text that the model said between a call and its output joins the call's message."""
        if len(self.messages) < 2:
            return
        called, said = self.messages[-2:]
        ids = {call.id for call in called.tool_calls}
        if (called.role, said.role) != ("assistant", "assistant") or call_id not in ids:
            return
        self.messages[-2:] = [
            replace(
                called,
                content="\n".join(text for text in (called.content, said.content) if text),
                images=called.images + said.images,
                thinking=said.thinking or called.thinking,
            )
        ]


def _call(item: CallItem) -> ToolCall:
    try:
        arguments = read_arguments(item.arguments) if item.arguments else {}
    except SyntaxFault as fault:
        raise BadRequest(f"failed to parse function call arguments: {fault}") from None
    return ToolCall(item.name, arguments, id=item.call_id)


def _read(contents: Iterable[Content]) -> tuple[str, tuple[bytes, ...]]:
    """The joined text and the images. Raises `BadRequest`."""
    texts, images = [], []
    for content in contents:
        if isinstance(content, FileContent):
            raise BadRequest("file inputs are not currently supported")
        if isinstance(content, TextContent):
            texts.append(content.text)
        elif isinstance(content, ImageContent) and content.url:
            images.append(image_of_url(content.url))
    return "".join(texts), tuple(images)
