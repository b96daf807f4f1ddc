"""`/api/chat`: thinking, tool calls, models with a Jinja template."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.unit.server.conftest import Site

pytestmark = pytest.mark.trio
USER = [{"role": "user", "content": "hi"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather",
        "parameters": {
            "type": "object",
            "required": ["city"],
            "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
        },
    },
}
THOUGHT = ["<th", "ink>\n", "Hm", "m.", "</think>", "\n", "Yes", "."]
CALL = [
    "Let me see. ",
    "<ca",
    "ll>",
    '{"name": "get_',
    'weather", ',
    '"arguments": {"city": "Paris"}}',
]


async def test_thinking_is_told_apart(site: Site) -> None:
    site.loads.script[:] = THOUGHT
    answer = await site.post("/api/chat", model="think", messages=USER)
    assert answer["message"] == {"role": "assistant", "content": "Yes.", "thinking": "Hmm."}
    chunks = await site.stream("/api/chat", model="think", messages=USER)
    assert [chunk["message"].get("thinking") for chunk in chunks] == ["Hm", "m.", None, None, None]
    assert [chunk["message"]["content"] for chunk in chunks] == ["", "", "Yes", ".", ""]


async def test_thinking_of_generate(site: Site) -> None:
    site.loads.script[:] = THOUGHT
    chunks = await site.stream("/api/generate", model="think", prompt="hi")
    assert "".join(chunk["response"] for chunk in chunks) == "Yes."
    assert "".join(chunk.get("thinking", "") for chunk in chunks) == "Hmm."
    assert chunks[0] | {"created_at": ""} == {
        "model": "think",
        "created_at": "",
        "response": "",
        "done": False,
    }
    answer = await site.post("/api/generate", model="think", prompt="hi")
    assert bytes(answer["context"]).decode() == "user:hi;" + "".join(THOUGHT)


async def test_without_thinking_the_tags_stay(site: Site) -> None:
    site.loads.script[:] = THOUGHT
    answer = await site.post("/api/chat", model="think", messages=USER, think=False)
    assert answer["message"] == {"role": "assistant", "content": "".join(THOUGHT)}


async def test_tool_calls(site: Site) -> None:
    site.loads.script[:] = CALL
    answer = await site.post("/api/chat", model="think", messages=USER, tools=[TOOL])
    [call] = answer["message"]["tool_calls"]
    assert re.fullmatch("call_[a-z0-9]{8}", call["id"])
    assert call["function"] == {"index": 0, "name": "get_weather", "arguments": {"city": "Paris"}}
    assert answer["message"]["content"] == "Let me see. "
    assert answer["done_reason"] == "stop"
    chunks = await site.stream("/api/chat", model="think", messages=USER, tools=[TOOL])
    assert [set(chunk["message"]) for chunk in chunks] == [
        {"role", "content"},
        {"role", "content", "tool_calls"},
        {"role", "content"},
    ]
    answer = await site.post("/api/chat", model="think", messages=USER)
    assert answer["message"]["content"] == "".join(CALL)


async def test_former_calls_reach_the_template(site: Site) -> None:
    function = {"name": "f", "arguments": {"b": 1, "a": "<"}}
    messages: list[dict[str, Any]] = [
        *USER,
        {"role": "assistant", "tool_calls": [{"function": function}]},
        {"role": "tool", "tool_name": "f", "content": "7"},
    ]
    prompt = await site.prompt("/api/chat", model="think", messages=messages, tools=[TOOL])
    assert prompt.startswith("user:hi;assistant:;<call>{")
    assert "tool:7;" in prompt
    assert '"name":"get_weather"' in prompt


async def test_a_jinja_template(site: Site) -> None:
    messages = [{"role": "developer", "content": "d"}, *USER]
    assert await site.prompt("/api/chat", model="jinja", messages=messages) == "system:d;user:hi;"
    assert await site.prompt("/api/generate", model="jinja", prompt="p", system="s") == (
        "system:s;user:p;"
    )


async def test_an_answer_that_was_begun(site: Site) -> None:
    site.loads.script[:] = [" am", " here"]
    messages = [*USER, {"role": "assistant", "content": "I"}]
    prompt = await site.prompt("/api/chat", model="jinja", messages=messages)
    assert prompt == "user:hi;<think></think>I"
    answer = await site.post("/api/chat", model="jinja", messages=messages)
    assert answer["message"]["content"] == "I am here"
    chunks = await site.stream("/api/chat", model="jinja", messages=messages)
    assert [chunk["message"]["content"] for chunk in chunks] == ["I", " am", " here", ""]


async def test_tools_of_a_jinja_template(site: Site) -> None:
    prompt = await site.prompt("/api/chat", model="jinja", messages=USER, tools=[TOOL])
    text, _, rest = prompt.partition(";")
    assert json.loads(text) == [TOOL]
    assert rest == "user:hi;"


async def test_a_model_without_a_template_is_given_chatml(site: Site) -> None:
    assert await site.prompt("/api/chat", model="raw", messages=USER) == (
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )


async def test_long_conversations_lose_their_first_messages(site: Site) -> None:
    messages = [{"role": "system", "content": "S"}]
    messages += [{"role": "user", "content": f"message {number}"} for number in range(20)]
    prompt = await site.prompt(
        "/api/chat", model="jinja", messages=messages, options={"num_ctx": 64}
    )
    assert prompt.startswith("system:S;user:message 1")
    assert prompt.endswith("user:message 19;")
    assert len(prompt) <= 64
