"""From the body of `/v1/messages` to our call."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Message, ToolCall
from ollamars.server.body import decode
from ollamars.server.calls import ChatCall
from ollamars.server.dialects.anthropic.call import chat_call, counting_call
from ollamars.server.dialects.anthropic.estimate import estimated_tokens
from ollamars.server.dialects.anthropic.request import MessagesRequest

PICTURE = {
    "type": "image",
    "source": {
        "type": "base64",
        "media_type": "image/png",
        "data": base64.b64encode(b"png").decode(),
    },
}
WEATHER = {
    "name": "get_weather",
    "description": "Weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def body(**fields: Any) -> MessagesRequest:
    whole = {
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "hi"}],
        **fields,
    }
    return decode(json.dumps(whole).encode(), MessagesRequest)


def called(**fields: Any) -> ChatCall:
    return chat_call(body(**fields))


def said(*blocks: Any, role: str = "user") -> list[Message]:
    return list(called(messages=[{"role": role, "content": list(blocks)}]).messages)


def test_options_are_those_of_the_request_alone() -> None:
    assert called().options == {"num_predict": 5}
    call = called(temperature=0, top_p=0.5, top_k=3, stop_sequences=["a"])
    assert call.options == {
        "num_predict": 5,
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 3,
        "stop": ["a"],
    }
    assert called(stop_sequences=[]).options == {"num_predict": 5}


def test_a_count_needs_no_limit_and_is_not_cut() -> None:
    call = counting_call(body(max_tokens=0, system="s"))
    assert call.options == {}
    assert not call.truncate
    assert [message.role for message in call.messages] == ["system", "user"]


@pytest.mark.parametrize(
    ("system", "text"),
    [
        ("be brief", "be brief"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
        ([{"type": "image"}, "a", {"type": "text", "text": 5}], None),
        ("", None),
        ([], None),
        (5, None),
        (None, None),
    ],
)
def test_system_is_text_or_blocks(system: Any, text: str | None) -> None:
    messages = called(system=system).messages
    assert [each.content for each in messages if each.role == "system"] == ([text] if text else [])


def test_blocks_of_a_message_become_one() -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "a"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}},
        PICTURE,
        use,
    ]
    assert said(*blocks, role="Assistant") == [
        Message(
            "assistant",
            "ab",
            thinking="hm",
            images=(b"png",),
            tool_calls=(ToolCall("f", {"a": 1}, id="t"),),
        )
    ]


def test_results_of_tools_are_messages() -> None:
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": "t", "content": "22"}
    of_tool = Message("tool", "22", tool_call_id="t")
    text = {"type": "text", "text": "go"}
    assert said(text, result) == [of_tool, Message("user", "go")]
    assert said(text, result, role="assistant") == [Message("assistant", "go"), of_tool]
    blocks = [{"type": "text", "text": "2"}, PICTURE, {"type": "text", "text": "2"}]
    result["content"] = blocks
    assert said(result) == [Message("tool", "22", images=(b"png",), tool_call_id="t")]
    result["content"] = None
    assert said(result) == [Message("tool", "", tool_call_id="t")]


def test_a_result_has_the_name_of_its_tool() -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    results = [{"type": "tool_result", "tool_use_id": id, "content": "r"} for id in ("t", "other")]
    messages = called(
        messages=[
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": results},
        ]
    ).messages
    assert [message.tool_name for message in messages] == ["", "f", ""]


def test_a_search_of_an_earlier_answer() -> None:
    def result(content: Any) -> str:
        block = {"type": "web_search_tool_result", "tool_use_id": "t", "content": content}
        [message] = said(block)
        return message.content

    page = {"type": "web_search_result", "title": "A", "url": "http://a"}
    failure = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    assert result([page, {"type": "other"}, 5]) == "- A: http://a\n"
    assert result(failure) == "web_search_tool_result_error: unavailable"
    assert result([{"type": "web_search_tool_result_error"}]) == "web_search_tool_result_error"
    assert result("as it is") == "as it is"
    assert result({"b": 1, "a": 2}) == '{"a":2,"b":1}'
    [message] = said({"type": "server_tool_use", "id": "s", "name": "web_search"})
    assert message.tool_calls == (ToolCall("web_search", {}, id="s"),)


@pytest.mark.parametrize(
    "content", [[], None, "", [{"type": "nope"}], [{"type": "text"}], [{}], [None]]
)
def test_a_message_that_says_nothing_is_none(content: Any) -> None:
    assert called(messages=[{"role": "user", "content": content}]).messages == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"model": "", "max_tokens": 0}, "model is required"),
        ({"max_tokens": 0, "messages": []}, "max_tokens is required and must be positive"),
        ({"max_tokens": None}, "max_tokens is required and must be positive"),
        ({"messages": []}, "messages is required"),
        ({"messages": [None]}, "messages: null is no message"),
        ({"messages": [{"role": "user"}]}, "unexpected end of JSON input"),
        ({"messages": [{"role": "user", "content": 5}]}, "content must be a string or a list"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "anthropic.ContentBlock"),
        ({"messages": ["x"]}, "cannot unmarshal string"),
        ({"tools": [{"name": "f", "input_schema": []}]}, 'input_schema for tool "f"'),
        ({"tools": [{"name": "f", "input_schema": {"type": 5}}]}, 'input_schema for tool "f"'),
        ({"thinking": "enabled"}, "anthropic.ThinkingConfig"),
        ({"stop_sequences": [1]}, "stop_sequences of type string"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(BadRequest, match=text.replace("[", r"\[")):
        called(**fields)


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "image"}, "invalid image source"),
        (
            {"type": "image", "source": {"type": "url", "url": "u"}},
            "invalid image source type: url",
        ),
        (
            {"type": "image", "source": {"type": "base64", "data": "@@"}},
            "invalid base64 image data: illegal base64 data at input byte 0",
        ),
        ({"type": "tool_use", "name": "f"}, "tool_use block missing required 'id' field"),
        ({"type": "tool_use", "id": "t"}, "tool_use block missing required 'name' field"),
        (
            {"type": "tool_result", "content": [{"type": "image"}]},
            "invalid tool_result image source",
        ),
    ],
)
def test_a_block_that_cannot_be_read_is_refused(block: Any, text: str) -> None:
    with pytest.raises(BadRequest, match=text):
        said(block)


def test_tools_and_the_search_of_the_server() -> None:
    assert called().tools is None
    assert called(tools=[]).tools is None
    [tool] = called(tools=[WEATHER]).tools or []
    assert (tool.name, tool.type, tool.parameters.required) == (
        "get_weather",
        "function",
        ("city",),
    )
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    mine = {"name": "web_search", "input_schema": {"type": "object"}}
    tools = called(tools=[mine, WEATHER, search]).tools or []
    assert [each.name for each in tools] == ["get_weather", "web_search"]
    assert tools[1].parameters.required == ("query",)
    [kept] = called(tools=[mine]).tools or []
    assert kept.parameters.type == "object"


@pytest.mark.parametrize(
    ("fields", "think"),
    [
        ({}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"output_config": {"effort": " HIGH "}}, "high"),
        ({"output_config": {"effort": "xhigh"}}, "high"),
        ({"output_config": {"effort": "none"}}, None),
        ({"output_config": {"effort": "max"}, "thinking": {"type": "disabled"}}, False),
        ({"output_config": {"effort": "low"}, "thinking": {"type": "adaptive"}}, "low"),
    ],
)
def test_thinking(fields: dict[str, Any], think: bool | str | None) -> None:
    call = called(**fields)
    assert call.think == think
    assert call.think_if_possible


def test_the_estimate_is_a_token_for_four_bytes() -> None:
    assert estimated_tokens(body(messages=[{"role": "user", "content": "hi"}])) == 1
    assert estimated_tokens(body(messages=[{"role": "user", "content": "é" * 20}])) == 11
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "22"}
    assert estimated_tokens(body(messages=[{"role": "user", "content": [result]}])) == 15
    assert estimated_tokens(body(system=[{"type": "text", "text": "x" * 34}, 5])) == 10
    assert estimated_tokens(body(system={"a": 100000})) == 4
    texts = ["user", "hi", "get_weather", "Weather", json.dumps(WEATHER["input_schema"])]
    assert estimated_tokens(body(tools=[WEATHER])) == len("".join(texts)) // 4
