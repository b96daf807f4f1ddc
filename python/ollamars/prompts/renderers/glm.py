"""GLM-4.7 and GLM-OCR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ollamars.prompts.messages import Message, Tool
from ollamars.prompts.renderers import json
from ollamars.prompts.renderers.conversation import Conversation, is_first_of
from ollamars.prompts.renderers.images import ImageTags
from ollamars.prompts.text import WHITE_SPACE

_START: Final = "[gMASK]<sop>"


def render_47(conversation: Conversation) -> str:
    """The prompt of GLM-4.7. Thinking of earlier turns is always kept."""
    parts = [_START, _tools(conversation.tools)]
    messages = conversation.messages
    for index, message in enumerate(messages):
        if message.role in ("user", "system"):
            parts.append(f"<|{message.role}|>{message.content}")
        elif message.role == "assistant":
            thought = f"<think>{message.thinking}" if message.thinking else ""
            calls = "".join(_calls(message))
            parts.append(f"<|assistant|>{thought}</think>{message.content}{calls}")
        elif message.role == "tool":
            start = "<|observation|>" if is_first_of(messages, index, "tool") else ""
            parts.append(f"{start}<tool_response>{message.content}</tool_response>")
    parts.append("<|assistant|>")
    parts.append("<think>" if conversation.thinks(default=True) else "</think>")
    return "".join(parts)


def render_ocr(conversation: Conversation) -> str:
    """The prompt of GLM-OCR. Without a word on thinking the model decides."""
    parts = [_START, _tools(conversation.tools)]
    messages = conversation.messages
    images = ImageTags(conversation)
    forbidden = not conversation.thinks(default=True)
    for index, message in enumerate(messages):
        if message.role == "user":
            suffix = "/nothink"
            suffix = suffix if forbidden and not message.content.endswith(suffix) else ""
            parts.append(f"<|user|>\n{images.content(message)}{suffix}")
        elif message.role == "assistant":
            parts.append(_ocr_answer(message))
        elif message.role == "tool":
            start = "<|observation|>" if is_first_of(messages, index, "tool") else ""
            content = images.content(message)
            parts.append(f"{start}\n<tool_response>\n{content}\n</tool_response>\n")
        elif message.role == "system":
            parts.append(f"<|system|>\n{message.content}\n")
    parts.append("<|assistant|>\n" + ("<think></think>\n" if forbidden else ""))
    return "".join(parts)


def _ocr_answer(message: Message) -> str:
    content = "\n" + message.content.strip(WHITE_SPACE) if message.content else ""
    calls = "".join("\n" + call for call in _calls(message))
    thinking = message.thinking.strip(WHITE_SPACE)
    return f"<|assistant|>\n<think>{thinking}</think>{content}{calls}\n"


def _tools(tools: Sequence[Tool]) -> str:
    if not tools:
        return ""
    listed = "".join(json.spaced(json.tool(tool)) + "\n" for tool in tools)
    return (
        "<|system|>\n# Tools\n\n"
        "You may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n"
        f"<tools>\n{listed}</tools>\n\n"
        "For each function call, output the function name and arguments within the following XML "
        "format:\n<tool_call>{function-name}<arg_key>{arg-key-1}</arg_key>"
        "<arg_value>{arg-value-1}</arg_value><arg_key>{arg-key-2}</arg_key>"
        "<arg_value>{arg-value-2}</arg_value>...</tool_call>"
    )


def _calls(message: Message) -> list[str]:
    return [
        f"<tool_call>{call.name}{_arguments(call.arguments)}</tool_call>"
        for call in message.tool_calls
    ]


def _arguments(values: Mapping[str, Any]) -> str:
    return "".join(
        f"<arg_key>{name}</arg_key>"
        f"<arg_value>{value if isinstance(value, str) else json.compact(value)}</arg_value>"
        for name, value in values.items()
    )
