"""A conversation with a call in each family's format, and what families share."""

from __future__ import annotations

import statistics
import time

import pytest

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Message, Think, Tool, ToolCall, messages_from_json
from ollamars.prompts.messages import tools_from_json as read_tools
from ollamars.prompts.renderers import RENDERERS, Conversation, json, renderer
from ollamars.prompts.renderers.images import with_numbers

TOOLS = read_tools(
    [
        {
            "type": "function",
            "function": {
                "name": "tide",
                "description": "Tide <table>",
                "parameters": {
                    "type": "object",
                    "required": ["port"],
                    "default": "dropped",
                    "properties": {
                        "port": {"type": "string"},
                        "day": {"type": ["integer", "null"]},
                    },
                },
            },
        }
    ]
)
assert TOOLS is not None
CALL = ToolCall("tide", {"port": "Brest", "n": {"z": 1, "a": 1000000}}, id="c1")
MESSAGES = (
    Message("system", "Be terse."),
    Message("user", "Tide?"),
    Message("assistant", tool_calls=(CALL,), thinking="Look it up."),
    Message("tool", "07:42", tool_name="tide", tool_call_id="c1"),
)
CALLS = {
    "qwen3-coder": '<parameter=n>\n{"a":1000000,"z":1}\n</parameter>',
    "qwen3-vl-thinking": '"arguments": {"port": "Brest", "n": {"a": 1000000, "z": 1}}',
    "qwen3.5": "<tool_call>\n<function=tide>\n<parameter=port>\nBrest\n</parameter>",
    "qwen3.8": "<think>\nLook it up.\n</think>\n\n<tool_call>",
    "cogito": '<｜tool▁sep｜>tide\n```json\n{"port":"Brest","n":{"a":1000000,"z":1}}\n```',
    "deepseek3.1": "<｜Assistant｜></think><｜tool▁calls▁begin｜>",
    "olmo3": '<function_calls>tide(n={"a":1000000,"z":1}, port="Brest")</function_calls>',
    "nemotron-3-nano": "<think>\nLook it up.\n</think>\n<tool_call>\n<function=tide>",
    "gemma4": '<|tool_call>call:tide{n:{a:1000000,z:1},port:<|"|>Brest<|"|>}<tool_call|>',
    "functiongemma": "call:tide{n:{a:1000000,z:1},port:<escape>Brest<escape>}",
    "glm-4.7": "<think>Look it up.</think><tool_call>tide<arg_key>port</arg_key>",
    "lfm2": '<|tool_call_start|>[tide(n={"a": 1000000, "z": 1},port="Brest")]<|tool_call_end|>',
    "laguna": "<tool_call>tide\n<arg_key>port</arg_key>\n<arg_value>Brest</arg_value>",
    "cohere": '{"tool_call_id": "0", "tool_name": "tide", "parameters": {"port": "Brest"',
    "glimmer": '<atem:parameter name="port">Brest</atem:parameter>',
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_in_the_history(name: str) -> None:
    prompt = renderer(name).render(Conversation(MESSAGES, TOOLS or (), think=True))
    assert CALLS[name] in prompt
    assert "Be terse." in prompt
    assert "dropped" not in prompt


@pytest.mark.parametrize("name", RENDERERS)
@pytest.mark.parametrize("think", [None, True, False, "low"])
def test_prompts_start_as_the_table_says(name: str, think: Think) -> None:
    made = renderer(name)
    prompt = made.render(Conversation(MESSAGES, TOOLS or (), think, today="2026-01-31"))
    assert prompt.startswith(made.leading_bos) or name == "cohere"
    assert ("2026-01-31" in prompt) is False


def test_the_date_shows_only_without_a_system_message() -> None:
    conversation = Conversation(MESSAGES[1:2], today="2026-01-31")
    assert "Current date: 2026-01-31." in renderer("glimmer").render(conversation)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(BadRequest, match='unknown renderer "nope"'):
        renderer("nope")


def test_a_conversation_without_a_query_is_refused() -> None:
    with pytest.raises(BadRequest, match="no user query found in messages"):
        renderer("qwen3.8").render(Conversation([Message("assistant", "x")]))


@pytest.mark.parametrize(
    ("text", "count", "wanted"),
    [
        ("a", 0, "a"),
        ("a", 2, "[img-0][img-1] a"),
        ("\na", 1, "[img-0]\na"),
        ("a [img] b", 2, "[img-1] a [img-0] b"),
        ("see [img-7]", 1, "see [img-7]"),
        ("", 1, "[img-0]"),
    ],
)
def test_image_tags(text: str, count: int, wanted: str) -> None:
    assert with_numbers(text, range(count)) == wanted


def test_tool_json() -> None:
    tool = Tool("f", parameters=(TOOLS or [])[0].parameters)
    assert json.tool(tool) == (
        '{"type":"function","function":{"name":"f","parameters":{"type":"object",'
        '"required":["port"],"properties":{"port":{"type":"string"},'
        '"day":{"type":["integer","null"]}}}}}'
    )
    assert json.parameters(Tool("f").parameters) == '{"type":"","properties":null}'
    assert json.spaced('{"a:,":[1,2]}') == '{"a:,": [1, 2]}'
    assert json.compact("<\u2028\\u003c", html=False) == '"<\\u2028\\\\u003c"'
    assert json.indented('{"a":[],"b":{"c":1}}', "  ") == (
        '{\n  "a": [],\n  "b": {\n    "c": 1\n  }\n}'
    )


def test_numbers_are_floats() -> None:
    message = {"function": {"name": "f", "arguments": {"n": 9007199254740993, "m": 1000000}}}
    messages = messages_from_json([{"role": "assistant", "tool_calls": [message]}])
    prompt = renderer("qwen3-coder").render(Conversation(messages))
    assert "<parameter=n>\n9.007199254740992e+15\n</parameter>" in prompt
    assert "<parameter=m>\n1e+06\n</parameter>" in prompt


@pytest.mark.parametrize("name", RENDERERS)
def test_two_hundred_messages_take_less_than_5_ms(name: str) -> None:
    conversation = Conversation(MESSAGES[1:] * 67, TOOLS or (), think=True)
    times = []
    for _ in range(9):
        start = time.process_time()
        renderer(name).render(conversation)
        times.append(time.process_time() - start)
    assert statistics.median(times) < 0.005
