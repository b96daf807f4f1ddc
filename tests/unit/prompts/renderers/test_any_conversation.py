"""No conversation makes a renderer fail in another way than it says, or work without end."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ollamars.errors import OllamarsError
from ollamars.prompts.messages import Message, Think, Tool, ToolCall, messages_from_json
from ollamars.prompts.messages import tools_from_json as tools
from ollamars.prompts.renderers import RENDERERS, Conversation, renderer

SECONDS = 2.5
"""What one prompt may take; a quarter of a second on a machine that does nothing else."""
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "<think>", "</think>a", "[img]", "[img-0]", "<tool_call>", "null", '{"a":1}']
    ),
)
NAMES = st.sampled_from(["", "f", "get_weather", "ns.fn", "a b", "é"])
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
CALLS = st.builds(
    ToolCall,
    name=NAMES,
    arguments=st.dictionaries(TEXTS, JSON, max_size=3),
    index=st.integers(0, 3),
    id=st.sampled_from(["", "call_1", "x"]),
)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool", "developer", "", "odd"]),
    content=TEXTS,
    thinking=TEXTS,
    images=st.sampled_from([(), (b"x",), (b"x", b"y")]),
    tool_calls=st.lists(CALLS, max_size=2).map(tuple),
    tool_name=NAMES,
    tool_call_id=st.sampled_from(["", "call_1"]),
)
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "object", "array", ["string", "null"], [], "odd"]),
        "description": TEXTS,
        "enum": st.lists(JSON, max_size=2),
        "items": JSON,
        "anyOf": st.just([{"type": "integer"}, {}]),
        "properties": st.dictionaries(NAMES, st.just({"type": "string"}), max_size=2),
        "required": st.lists(NAMES, max_size=2),
    },
)


def tool(name: str, description: str, properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS: st.SearchStrategy[list[Tool]] = st.lists(
    st.builds(tool, NAMES, TEXTS, st.dictionaries(NAMES, SCHEMAS, max_size=3)), max_size=2
).map(lambda values: tools(values) or [])
THINKS: st.SearchStrategy[Think] = st.sampled_from([None, True, False, "low", "max"])


@pytest.mark.parametrize("name", RENDERERS)
@settings(max_examples=60, deadline=None)
@given(messages=st.lists(MESSAGES, max_size=5), known=TOOLS, think=THINKS)
def test_any_conversation(
    name: str, messages: list[Message], known: list[Tool], think: Think
) -> None:
    begun = time.process_time()
    with suppress(OllamarsError):
        renderer(name).render(Conversation(messages, known, think, today="2026-03-14"))
    assert time.process_time() - begun < SECONDS


@given(JSON)
@settings(deadline=None)
def test_any_json_is_messages_and_tools_or_a_bad_request(value: Any) -> None:
    with suppress(OllamarsError):
        messages_from_json([value])
    with suppress(OllamarsError):
        tools([value])
    with suppress(OllamarsError):
        tools([{"function": {"name": "f", "parameters": value}}])
