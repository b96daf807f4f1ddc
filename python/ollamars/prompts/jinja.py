"""The prompt of a conversation by a model's own chat template, a Jinja text.

The conversation is handed over as llama.cpp does it: tools and calls in OpenAI's form and in the
order of the request, no thinking of earlier answers, and a begun answer behind the rendered text.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ollamars.prompts.chat import Render
from ollamars.prompts.messages import Message, Think, Tool, ToolProperty
from ollamars.prompts.tools import json_number

JinjaRender = Callable[[str, str], str]
"""Renders a Jinja text with a context in JSON. Raises `OllamarsError` where it cannot."""

NOW: Final = "__now__"
"""Member of the context that tells `strftime_now` the local date (ISO 8601)."""

_ROLES: Final = {"developer": "system"}
"""Roles that chat templates do not know."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def jinja_renderer(
    template: str,
    render: JinjaRender,
    *,
    today: datetime.date,
    bos_token: str = "",
    eos_token: str = "",
    tools: Sequence[Tool] | None = None,
    think: Think = None,
    strip_bos: bool = False,
) -> Render:
    """A Jinja text as a `Render`; `strip_bos`: the tokenizer will put the first token there."""
    shared: dict[str, Any] = {
        "bos_token": bos_token,
        "eos_token": eos_token,
        "add_generation_prompt": True,
        "date_string": today.strftime("%d %b %Y"),
        NOW: today.isoformat(),
    }
    if tools:
        shared["tools"] = [tool_json(tool) for tool in tools]
    if think is not None:
        shared["enable_thinking"] = bool(think)

    def render_messages(messages: Sequence[Message]) -> str:
        begun = begun_answer(messages)
        values = dict(shared)
        if begun is not None:
            *messages, last = messages
            # Thinking without text opens no answer (llama.cpp).
            values["add_generation_prompt"] = bool(begun or not last.thinking)
            # An answer that has begun is not preceded by thinking.
            values["enable_thinking"] = False
        values["messages"] = [message_json(message) for message in messages]
        text = render(template, context_json(values)) + (begun or "")
        return text.removeprefix(bos_token) if strip_bos else text

    return render_messages


def context_json(values: Mapping[str, Any]) -> str:
    """The JSON text of a context; what is not Unicode becomes U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", json.dumps(values, ensure_ascii=False))


def begun_answer(messages: Sequence[Message]) -> str | None:
    """The text that the model shall go on from: that of a last message of its own."""
    last = messages[-1] if messages else None
    if last is None or last.role != "assistant" or last.tool_calls:
        return None
    return last.content


def message_json(message: Message) -> dict[str, Any]:
    """A message as chat templates know it, without its thinking."""
    values: dict[str, Any] = {
        "role": _ROLES.get(message.role, message.role),
        "content": message.content,
    }
    if message.tool_calls:
        values["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _plain(call.arguments)},
            }
            for call in message.tool_calls
        ]
    optional = {"name": message.tool_name, "tool_call_id": message.tool_call_id}
    return values | {key: value for key, value in optional.items() if value}


def tool_json(tool: Tool) -> dict[str, Any]:
    """A tool as chat templates know it."""
    parameters = tool.parameters
    schema = {
        "type": parameters.type,
        **_present({"$defs": parameters.defs, "items": parameters.items}),
        **_present({"required": list(parameters.required)}),
        "properties": _properties_json(parameters.properties),
    }
    function = {"name": tool.name, "description": tool.description, "parameters": schema}
    return {"type": tool.type, "function": function}


def _properties_json(properties: Mapping[str, ToolProperty] | None) -> dict[str, Any] | None:
    if properties is None:
        return None
    return {name: _property_json(item) for name, item in properties.items()}


def _property_json(item: ToolProperty) -> dict[str, Any]:
    return _present(
        {
            "anyOf": [_property_json(each) for each in item.any_of],
            "type": item.type[0] if len(item.type) == 1 else list(item.type),
            "items": item.items,
            "description": item.description,
            "enum": list(item.enum),
            "properties": _properties_json(item.properties),
            "required": list(item.required),
        }
    )


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """The members that say something."""
    return {key: _plain(value) for key, value in values.items() if value not in (None, "", [], ())}


def _plain(value: Any) -> Any:
    """JSON with whole numbers written as integers."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return json_number(value) if isinstance(value, float) else value
