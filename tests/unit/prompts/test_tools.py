"""Tool calls in streams."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.template import ChatTemplate
from ollamars.prompts.tool_tag import tool_tag
from ollamars.prompts.tools import ToolParser, json_number, parse_object

NAMES = ["get", "get_weather", "add"]


def parse(tag: str, chunks: list[str]) -> tuple[list[ToolCall], str]:
    parser = ToolParser(tag, NAMES)
    calls: list[ToolCall] = []
    text = ""
    for chunk in chunks:
        found, content = parser.add(chunk)
        calls += found
        text += content
    return calls, text + parser.finish()


@pytest.mark.parametrize(
    ("tag", "text", "calls", "content"),
    [
        (
            "<tool_call>",
            'Sure <tool_call>{"name": "get_weather", "arguments": {"c": "Paris"}}</tool_call>',
            [("get_weather", {"c": "Paris"})],
            "Sure ",
        ),
        (
            "<tool_call>",
            '<tool_call>[{"name":"get","parameters":{}},{"name":"add","arguments":"{\\"a\\":1}"}]',
            [("get", {}), ("add", {"a": 1})],
            "",
        ),
        ("{", '{"name": "add", "arguments": {"a": 1.0}} done', [("add", {"a": 1})], ""),
        (
            "{",
            'Here: {"name": "add", "arguments": {}}',
            [],
            'Here: {"name": "add", "arguments": {}}',
        ),
        ("[", '[{"name": "other"}]', [], '[{"name": "other"}]'),
        ("[", '[{"add": {"a": "}"}}]', [("add", {"a": "}"})], ""),
        ("<tool_call>", "<tool_call>nothing", [], ""),
        ("<tool_call>", "text <tool", [], "text "),
        ("T", 'T get_weather {bad} {"x": "\\u00e9"}', [("get_weather", {"x": "é"})], ""),
        ("T", 'T {"w": {"name": "get", "arguments": {"q": 1}}} ', [("get", {"q": 1})], ""),
    ],
)
def test_streams(
    tag: str, text: str, calls: list[tuple[str, dict[str, object]]], content: str
) -> None:
    expected = [ToolCall(name, values, index) for index, (name, values) in enumerate(calls)]
    assert parse(tag, [text]) == (expected, content)
    assert parse(tag, list(text)) == (expected, content)


WORDS = [
    *[
        "<tool_call>",
        "</tool_call>",
        "{",
        "}",
        '"',
        "\\",
        "[",
        "]",
        ",",
        ":",
        "name",
        "get",
        "get_weather",
        "_",
        "arguments",
        "é",
    ],
    " ",
    '{"name": "add", "arguments": {"a": 1}}',
    '"x": 1',
]
PIECES = st.lists(st.sampled_from(WORDS))


@given(PIECES, st.data())
def test_cuts_do_not_matter(pieces: list[str], data: st.DataObject) -> None:
    text = (
        "".join(pieces) + "."
    )  # an end that begins no name: otherwise the end would be waited for
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    bounds = [0, *cuts, len(text)]
    chunks = [text[a:b] for a, b in pairwise(bounds)]
    assert parse("<tool_call>", chunks) == parse("<tool_call>", [text])


@given(st.sampled_from(["{", "[", "<tool_call>"]), PIECES)
def test_no_stream_fails(tag: str, pieces: list[str]) -> None:
    calls, content = parse(tag, pieces)
    assert [call.index for call in calls] == list(range(len(calls)))
    assert len(content) <= sum(map(len, pieces))


def test_long_streams_take_linear_time() -> None:
    started = time.monotonic()
    for tag, text in (
        ("T", "T add " + '{"a": "' + "x" * 100_000),
        ("{", "{" * 50_000),
        ("T", "T" + '{"name": "add"} ' * 5_000),
        ("T", "T add " + "{]} " * 25_000),
    ):
        parse(tag, list(text))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ('{{ if .ToolCalls }}<tool_call>\n{"name"{{ end }}', "<tool_call>"),
        (
            "{{ range .Messages }}{{ if .ToolCalls }} {{ range .ToolCalls }}[C] {{ . }}{{ end }}"
            "{{ end }}{{ end }}",
            "[C]",
        ),
        ("{{ if .ToolCalls }}{{ . }}<x>{{ end }}", "{"),
        ("{{ .Prompt }}", "{"),
    ],
)
def test_tags_of_templates(text: str, tag: str) -> None:
    assert tool_tag(ChatTemplate.parse(text)) == tag


def test_numbers_are_gos() -> None:
    assert parse_object('{"a": 12345678901234567890, "b": 2.0, "c": 1e21}') == {
        "a": 12345678901234567000,
        "b": 2,
        "c": 1e21,
    }
    assert parse_object('{"a": 1e999}') is None
    assert parse_object('{"a": NaN}') is None
    assert parse_object("[" * 100_000) is None
    assert json.dumps(json_number(-0.5)) == "-0.5"
