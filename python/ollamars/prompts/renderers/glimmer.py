"""Muse Glimmer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ollamars.prompts.messages import Message, Tool, ToolCall
from ollamars.prompts.renderers import json, scalars
from ollamars.prompts.renderers.conversation import Conversation, is_last_of
from ollamars.prompts.renderers.images import ImageTags

BOS: Final = "<|begin_of_text|>"
_MARKER: Final = "<|patch|>"
_END_MESSAGE: Final = "<|eom|>"
_END_TURN: Final = "<|eot|>"
_DEFAULT_SYSTEM: Final = "You are a helpful AI assistant.\nKnowledge cutoff: 2026-01-04."
_EFFORT: Final = re.compile(r"([Rr]easoning )(effort)|(Reasoning )(Effort)|(REASONING )(EFFORT)")
_STRENGTHS: Final = {"effort": "strength", "Effort": "Strength", "EFFORT": "STRENGTH"}
_TOOLS_HEAD: Final = """\
In this environment you have access to a set of tools you can use to answer the user's question.

You can invoke a function by writing a "<atem:function_calls>" block like the following:
<atem:function_calls>
<atem:invoke name="$FUNCTION_NAME">
<atem:parameter name="$PARAMETER_NAME">$PARAMETER_VALUE</atem:parameter>
...
</atem:invoke>
</atem:function_calls>

String and scalar parameters should be specified as is, while lists and objects should use JSON \
format. Note that spaces for string values are not stripped. The output is not expected to be \
valid XML and is parsed with regular expressions.
Here are the functions available in JSONSchema format:
// Tool metadata
"""
_TOOLS_TAIL: Final = """\


Here's an example of how to call a function in the tool set:
(If the tool namespace is not specified, invoke the function directly as `example_function_name` \
rather than `example_tool_name.example_function_name`)

to=example_tool_name.example_function_name

<atem:function_calls>
<atem:invoke name="example_tool_name.example_function_name">
<atem:parameter name="example_parameter_1">value_1</atem:parameter>
<atem:parameter name="example_parameter_2">This is the value for the second parameter
that can span
"multiple" lines
</atem:parameter>
</atem:invoke>
</atem:function_calls>"""


def render(conversation: Conversation) -> str:
    """The prompt. `today` shows only where no system message is given."""
    messages = conversation.messages
    images = ImageTags(conversation, _MARKER)
    parts = [BOS]
    if all(message.role != "system" for message in messages):
        system = f"{_DEFAULT_SYSTEM}\nCurrent date: {conversation.today}."
        parts.append(_system(system, conversation))
    for index, message in enumerate(messages):
        content = images.content(message)
        if message.role == "system":
            parts.append(_system(_EFFORT.sub(_strength_word, content), conversation))
        elif message.role == "user":
            parts.append(_message("user", content, _END_TURN))
        elif message.role == "tool":
            parts.append(_result(messages, message, content))
        elif message.role == "assistant":
            end = _END_TURN if is_last_of(messages, index, "assistant") else _END_MESSAGE
            parts.extend(_answer(message, content, end))
    return "".join(parts) + "<|start|>assistant"


def _message(header: str, body: str, end: str) -> str:
    return f"<|start|>{header}<|message|>{body}{end}"


def _strength_word(match: re.Match[str]) -> str:
    first, word = (group for group in match.groups() if group is not None)
    return first + _STRENGTHS[word]


def _strength(conversation: Conversation) -> str:
    if isinstance(conversation.think, str):
        return conversation.think
    return "high" if conversation.thinks(default=True) else "none"


def _system(content: str, conversation: Conversation) -> str:
    parts = [content]
    if "reasoning strength" not in content.lower():
        parts.append(f"Reasoning strength: {_strength(conversation)}.")
    namespaces = _namespaces(conversation.tools)
    if conversation.tools:
        parts.append(_tools(conversation.tools, namespaces))
    recipients = "".join(f', "{name}.*"' for name in namespaces)
    parts.append(f'# Valid recipients: "self"{recipients}, "user".')
    return _message("system", "\n\n".join(parts), _END_TURN)


def _namespaces(tools: Sequence[Tool]) -> list[str]:
    """What stands before the first dot of each tool's name, once."""
    return list(dict.fromkeys(tool.name.partition(".")[0] for tool in tools))


def _tools(tools: Sequence[Tool], namespaces: Sequence[str]) -> str:
    metadata = "".join(
        f'{{"name": {json.compact(name, html=False)}, "description": ""}}\n' for name in namespaces
    )
    schemas = "".join("\n" + _schema(tool) for tool in tools)
    return f"{_TOOLS_HEAD}{metadata}// Function schemas{schemas}{_TOOLS_TAIL}"


def _schema(tool: Tool) -> str:
    members = (
        ("name", json.compact(tool.name, html=False)),
        ("description", json.compact(tool.description, html=False)),
        ("parameters", json.parameters(tool.parameters, html=False)),
    )
    return json.spaced(json.fields(members))


def _result(messages: Sequence[Message], message: Message, content: str) -> str:
    name = message.tool_name or _called(messages, message.tool_call_id)
    body = f'<tool_output name="{name}">\n{content}\n</tool_output>'
    return _message(f"tool {name}", body, _END_TURN)


def _called(messages: Sequence[Message], call_id: str) -> str:
    """Name of the last call with an id; the id itself if there is none."""
    name = call_id
    for call in (call for message in messages for call in message.tool_calls):
        if call_id and call.id == call_id:
            name = call.name
    return name


def _answer(message: Message, content: str, end: str) -> Iterable[str]:
    if message.thinking:
        yield _message("assistant to=self", message.thinking, _END_MESSAGE)
    for index, call in enumerate(message.tool_calls, 1):
        is_last = index == len(message.tool_calls)
        yield _message(f"assistant to={call.name}", _call(call), end if is_last else _END_MESSAGE)
    if not message.tool_calls and (content or not message.thinking):
        yield _message("assistant to=user", content, _END_TURN)


def _call(call: ToolCall) -> str:
    parameters = "".join(
        f'<atem:parameter name="{name}">{_value(value)}</atem:parameter>\n'
        for name, value in call.arguments.items()
    )
    return (
        f'<atem:function_calls>\n<atem:invoke name="{call.name}">\n{parameters}</atem:invoke>\n'
        "</atem:function_calls>"
    )


def _value(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return json.spaced(json.compact(value, html=False))
    return scalars.plain(value)
