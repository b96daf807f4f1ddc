"""Prompts of templates, what templates say of a model, thinking and calls in streams."""

from __future__ import annotations

import base64
import re
from typing import Any

from ollamars.config import parse_bool
from ollamars.errors import OllamarsError
from ollamars.prompts.capabilities import (
    ModelFacts,
    capabilities,
    chat_template_capabilities,
    chat_template_has_tool_round_trip,
    missing_capabilities,
    prompt_choice,
    template_capabilities,
    template_has_tool_round_trip,
)
from ollamars.prompts.chat import chat_prompt, template_renderer
from ollamars.prompts.match import nearest, nearest_format
from ollamars.prompts.messages import ToolCall, messages_from_json, tools_from_json
from ollamars.prompts.template import ChatTemplate, Request
from ollamars.prompts.text import WHITE_SPACE
from ollamars.prompts.thinking import (
    ThinkingParser,
    ThinkingTags,
    thinking_tags,
    without_old_thinking,
)
from ollamars.prompts.tool_tag import tool_tag
from ollamars.prompts.tools import ToolParser
from tests.golden.data import Data
from tests.golden.rules import TODAY

Given = dict[str, Any]
_WORD = re.compile(f"[^{WHITE_SPACE}]+")


def _template_of(given: Given, data: Data) -> ChatTemplate:
    """The template of a row: a name in the library, or a text."""
    template = given["template"]
    text = template["text"] if isinstance(template, dict) else data.templates[template]
    return ChatTemplate.parse(text)


def chat_template(given: Given, data: Data) -> str:
    """A whole prompt."""
    request = Request(
        messages=messages_from_json(given.get("messages")),
        tools=tools_from_json(given.get("tools")),
        prompt=given.get("prompt", ""),
        suffix=given.get("suffix", ""),
        think=given.get("think"),
    )
    return _template_of(given, data).render(request, today=TODAY)


def truncated_prompt(given: Given, data: Data) -> Given:
    """A prompt that fits a context, and its media."""
    prompt = chat_prompt(
        messages_from_json(given["messages"]),
        template_renderer(
            _template_of(given, data),
            today=TODAY,
            tools=tools_from_json(given.get("tools")),
            think=given.get("think"),
        ),
        num_ctx=given["num_ctx"],
        count_tokens=lambda text: len(_WORD.findall(text)),
        truncate=given["truncate"],
        has_projector=given.get("projector", False),
        families=given.get("families") or (),
    )
    media = [
        {"id": item.id, "kind": item.kind, "data": base64.b64encode(item.data).decode()}
        for item in prompt.media
    ]
    return {"prompt": prompt.text, "media": media}


def filter_think(given: Given, data: Data) -> list[Given]:
    """Messages without old thinking."""
    messages = messages_from_json(given["messages"])
    kept = without_old_thinking(messages, given["family"], given["name"])
    return [
        {**sent, "role": message.role, "content": message.content}
        for sent, message in zip(given["messages"], kept, strict=True)
    ]


def match(given: Given, data: Data) -> str:
    """The name of the built-in template that a Jinja text stands for.

    Without a list of known texts among the data, by the shapes that ship with ollamars.
    """
    text = given["chat_template"]
    listed = data.find("template_library") is not None
    name = nearest(text, data.known_texts) if listed else nearest_format(text)
    if name is None:
        raise OllamarsError("no matching template found")
    return name


def analyze(given: Given, data: Data) -> Given:
    """What a template says of its model."""
    template = _template_of(given, data)
    return {
        "vars": template.variables,
        "thinking_tags": list(thinking_tags(template)),
        "tool_tag": tool_tag(template),
        "capabilities": template_capabilities(template),
        "tool_round_trip": template_has_tool_round_trip(template),
    }


def thinking(given: Given, data: Data) -> Given:
    """A stream with thinking."""
    tags = ThinkingTags(given["open"], given["close"])
    parser = ThinkingParser(tags, prefilled=given.get("prefilled", False))
    chunks = [list(parser.add(chunk)) for chunk in given["chunks"]]
    return {
        "chunks": chunks,
        "thinking": "".join(thinking for thinking, _ in chunks),
        "content": "".join(content for _, content in chunks),
    }


def tools(given: Given, data: Data) -> Given:
    """A stream with calls."""
    tag = given["tag"] if "tag" in given else tool_tag(_template_of(given, data))
    parser = ToolParser(tag, [tool["function"]["name"] for tool in given["tools"]])
    chunks = [parser.add(chunk) for chunk in given["chunks"]]
    return {
        "tag": tag,
        "chunks": [{"calls": list(map(_call, calls)), "content": text} for calls, text in chunks],
        "calls": [_call(call) for calls, _ in chunks for call in calls],
        "content": "".join(text for _, text in chunks),
        # The original sends text that became content once more: what passes without that is "".
        "rest": parser.finish() or parser.given_up,
    }


def _call(call: ToolCall) -> Given:
    function = {"name": call.name, "arguments": dict(call.arguments), "index": call.index}
    return {"function": function}


def model_capabilities(given: Given, data: Data) -> Given:
    """What a stored model can do, and what makes its prompts."""
    config, text, setting = given["config"], given["template"], given["go_template_env"]
    facts = ModelFacts(
        name=given["name"],
        format=config["model_format"],
        family=config["model_family"],
        renderer=config.get("renderer", ""),
        parser=config.get("parser", ""),
        capabilities=config.get("capabilities") or (),
        template=None if text is None else ChatTemplate.parse(text),
        gguf=given["gguf"],
        projector=given["projector"],
        go_template=parse_bool(setting) if setting else None,
    )
    choice = prompt_choice(facts)
    found: Given = {
        "capabilities": capabilities(facts),
        "chat_mode": choice.mode,
        "template_source": choice.source,
        "prefer_chat_template": choice.prefers_chat_template,
    }
    if "want" in given:
        found["check"] = missing_capabilities(facts, given["want"])
    return found


def chat_template_caps(given: Given, data: Data) -> Given:
    """What a Jinja text says of its model."""
    text = given["chat_template"]
    return {
        "capabilities": chat_template_capabilities(text),
        "tool_round_trip": chat_template_has_tool_round_trip(text),
    }
