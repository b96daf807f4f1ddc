"""Arguments by their schema, and what is put right in calls that models damage."""

from __future__ import annotations

from typing import Any

import pytest

from ollamars.prompts.harmony import Header, read_header
from ollamars.prompts.harmony_names import HarmonyNames
from ollamars.prompts.messages import Think
from ollamars.prompts.parsers import ToolCallError, parser
from ollamars.prompts.parsers.coerce import coerce, coerce_lines
from tests.unit.prompts.parsers.samples import TOOLS

Calls = list[tuple[str, dict[str, Any]]]


def calls(name: str, text: str, think: Think = False) -> Calls:
    made = parser(name, TOOLS or (), think=think)
    assert made is not None
    found = (*made.add(text).tool_calls, *made.add("", done=True).tool_calls)
    return [(call.name, dict(call.arguments)) for call in found]


@pytest.mark.parametrize(
    ("text", "types", "value"),
    [
        ("NULL", [], None),
        ("15", [], "15"),
        ("15", ["string", "integer"], 15),
        ("+007", ["integer"], 7),
        ("9223372036854775808", ["integer"], "9223372036854775808"),
        ("TRUE", ["boolean"], True),
        ("maybe", ["boolean"], False),
        ("maybe", ["boolean", "string"], "maybe"),
        ("1e3", ["number"], 1000),
        ("2.50", ["number"], 2.5),
        ("1e30", ["number"], 1e30),
        ("inf", ["number"], "inf"),
        ('{"b": 1, "a": 2}', ["object"], {"a": 2.0, "b": 1.0}),
        ("[1", ["array"], "[1"),
        (" 1", ["integer"], " 1"),
    ],
)
def test_coercion(text: str, types: list[str], value: Any) -> None:
    assert coerce(text, types) == value
    assert type(coerce(text, types)) is type(value)


def test_one_line_break_at_each_end_is_not_text() -> None:
    assert coerce_lines("\n\na\n\n", ["string"]) == "\na\n"


@pytest.mark.parametrize(
    "text",
    [
        "get_tide<arg_key>port</arg_key><arg_value>Kiel</arg_value>",
        "get_tide<arg_key>port<arg_value>Kiel</arg_value>",
        "get_tide port</arg_key><arg_value>Kiel</arg_value>",
        "get_tide<arg_key>port</arg_key>Kiel</arg_value>",
        "get_tide<arg_key>port</arg_key><arg_value>Kiel",
    ],
)
def test_glm_tags_are_put_back(text: str) -> None:
    found = calls("glm-ocr", f"<tool_call>{text}</tool_call>")
    assert found == [("get_tide", {"port": "Kiel"})]


def test_glm_refuses_a_call_that_may_lack_arguments() -> None:
    text = "<tool_call>get_tide<arg_key>day</arg_key><arg_value>2</arg_value>"
    with pytest.raises(ToolCallError) as caught:
        calls("glm-ocr", text)
    assert caught.value.message == (
        'incomplete GLM tool call: required argument "port" is missing for tool "get_tide"'
    )


@pytest.mark.parametrize(
    "arguments",
    [
        '{port:<|"|>Kiel<|"|>,day:2}',
        "{port:'Kiel',day:2}",
        "{port:Kiel,day:2}",
        '{"port": "Kiel", "day": 2}',
        '{day:2,port:<|"|>Kiel}',
        '{day:2,port:<|"|>Kiel',
    ],
)
def test_gemma4_arguments_are_repaired(arguments: str) -> None:
    found = calls("gemma4", f"<|tool_call>call:get_tide{arguments}<tool_call|>")
    assert found == [("get_tide", {"port": "Kiel", "day": 2})]


def test_damaged_lists_give_their_whole_objects() -> None:
    text = (
        '<|START_ACTION|>[{"tool_name": "a", "parameters": {}} {"tool_name": b}, '
        '{"tool_name": "c", "parameters": {"k": "}"}}]<|END_ACTION|>'
    )
    assert calls("cohere", text) == [("a", {}), ("c", {"k": "}"})]


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("qwen3", "<tool_call>{}</tool_call>", "empty function name"),
        ("ministral", "[TOOL_CALLS]x[ARGS]{}", "tool 'x' not found"),
        ("qwen3-coder", "<tool_call>x</tool_call>", "unexpected EOF"),
    ],
)
def test_bad_calls_end_the_stream(name: str, text: str, error: str) -> None:
    with pytest.raises(ToolCallError) as caught:
        calls(name, text)
    assert caught.value.message == error


def test_python_literals() -> None:
    text = "[f(a='x\\'y', b=[1, 'two', None, {'k': True}], c=2.5, d=word)]"
    assert calls("lfm2", f"<|tool_call_start|>{text}<|tool_call_end|>") == [
        ("f", {"a": "x\\'y", "b": [1.0, "two", None, {"k": True}], "c": 2.5, "d": "word"})
    ]
    text = 'f(a="x\\"y\\n", b=[1, "two", nil], c={k: 1})'
    assert calls("olmo3", f"<function_calls>{text}</function_calls>") == [
        ("f", {"a": 'x"y\n', "b": [1, "two", None], "c": {"k": 1}})
    ]


def test_harmony_headers_and_names() -> None:
    header = read_header("<|channel|>commentary to=functions.f<|constrain|>json")
    assert header == Header("tool", "commentary", "functions.f")
    names = HarmonyNames(["get-tide", "get tide", "9", "?", "browser.open"])
    assert [names.given(name) for name in ("get_tide", "get_tide_2", "_9", "unnamed")] == [
        "get-tide",
        "get tide",
        "9",
        "?",
    ]
    assert names.given("browser.open") == "browser.open"


def test_harmony_gives_tools_names_that_it_can_write() -> None:
    made = parser("harmony", [*(TOOLS or []), *(TOOLS or [])])
    assert made is not None
    assert [tool.name for tool in made.tools] == ["get_tide", "get_tide_2"]
