"""What makes the prompts of a model: its Go template, or the Jinja text of its weights."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ollamars import _core
from ollamars.errors import OllamarsError
from ollamars.prompts.chat import Render, template_renderer
from ollamars.prompts.messages import Message, Think, Tool, ToolParameters, ToolProperty
from ollamars.runtime.engine import Tokenizer
from ollamars.server.served import ServedModel

CHATML = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
"""What llama.cpp takes for a conversation with a model that has no template at all."""


_ROLES = {"developer": "system"}
"""Roles that chat templates do not know."""


class TemplateFailure(OllamarsError):
    """The model's Jinja template could not be rendered."""


def renderer(
    served: ServedModel,
    tokenizer: Tokenizer,
    *,
    tools: Sequence[Tool] | None = None,
    think: Think = None,
    today: datetime.date,
    conversation: bool = True,
) -> Render:
    """What makes a prompt of messages. Raises `OllamarsError` where nothing can.

    `conversation`: the messages are one; otherwise they stand for a single prompt, which a model
    without a template takes as it is.
    """
    source = served.choice.source
    if source == "none" and conversation:
        return _jinja_renderer(CHATML, tokenizer, tools, think, today)
    if source in ("go_template", "none"):
        return template_renderer(served.template, today=today, tools=tools, think=think)
    if source == "gguf_chat_template":
        return _jinja_renderer(served.facts.chat_template, tokenizer, tools, think, today)
    name = served.facts.renderer or served.facts.parser or source
    raise OllamarsError(f"the renderer {name!r} is not supported yet", status=501)


def _jinja_renderer(
    template: str,
    tokenizer: Tokenizer,
    tools: Sequence[Tool] | None,
    think: Think,
    today: datetime.date,
) -> Render:
    shared: dict[str, Any] = {
        "bos_token": _special_text(tokenizer, "bos"),
        "eos_token": _special_text(tokenizer, "eos"),
        "add_generation_prompt": True,
        "date_string": today.strftime("%d %b %Y"),
    }
    if tools:
        shared["tools"] = [tool_json(tool) for tool in tools]
    if think is not None:
        shared["enable_thinking"] = bool(think)

    def render(messages: Sequence[Message]) -> str:
        begun = begun_answer(messages)
        values = shared
        if begun is not None:
            messages = messages[:-1]
            values = shared | {"enable_thinking": False}
        values = values | {"messages": [message_json(message) for message in messages]}
        try:
            text = _core.render_jinja(template, json.dumps(values)) + (begun or "")
        except _core.CoreError as error:
            raise TemplateFailure(f"chat template: {error}") from None
        # The tokenizer puts it there, too.
        return text.removeprefix(shared["bos_token"]) if tokenizer.add_bos else text

    return render


def begun_answer(messages: Sequence[Message]) -> str | None:
    """The text that the model shall go on from: that of a last message of its own."""
    last = messages[-1] if messages else None
    if last is None or last.role != "assistant" or last.tool_calls:
        return None
    return last.content


def _special_text(tokenizer: Tokenizer, name: str) -> str:
    token = tokenizer.special_ids.get(name, -1)
    return tokenizer.piece(token).decode("utf-8", "replace") if token >= 0 else ""


def message_json(message: Message) -> Mapping[str, Any]:
    """A message as chat templates know it, without its thinking."""
    role = _ROLES.get(message.role, message.role)
    values: dict[str, Any] = {"role": role, "content": message.content}
    if message.tool_calls:
        values["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    optional = {"name": message.tool_name, "tool_call_id": message.tool_call_id}
    return values | {key: value for key, value in optional.items() if value}


def tool_json(tool: Tool) -> Mapping[str, Any]:
    """A tool as chat templates know it."""
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": _parameters_json(tool.parameters),
    }
    return {"type": tool.type, "function": function}


def _parameters_json(parameters: ToolParameters) -> Mapping[str, Any]:
    return {
        "type": parameters.type,
        **_present({"$defs": parameters.defs, "items": parameters.items}),
        **_present({"required": list(parameters.required)}),
        "properties": _properties_json(parameters.properties),
    }


def _properties_json(properties: Mapping[str, ToolProperty] | None) -> Mapping[str, Any] | None:
    if properties is None:
        return None
    return {name: _property_json(item) for name, item in properties.items()}


def _property_json(item: ToolProperty) -> Mapping[str, Any]:
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
    return {key: value for key, value in values.items() if value not in (None, "", [], ())}
