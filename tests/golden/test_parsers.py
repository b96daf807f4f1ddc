"""Streams through the built-in parsers as recorded from Ollama v0.33."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from ollamars.prompts.messages import Tool, message_from_json, tools_from_json
from ollamars.prompts.parsers import (
    PARSERS,
    Parser,
    ParserOutput,
    ToolCallError,
    arguments_json,
    parser,
)
from tests.support import golden, shared

OURS = {
    # Where the original loses a call because a piece ends inside a tag, the call is read.
    ("qwen3.5", "call_in_think"),
    ("qwen3.5", "call_think_tags_in_value"),
    ("ornith", "call_in_think"),
    ("ornith", "call_think_tags_in_value"),
    ("laguna", "call_think_tags_in_value"),
    ("laguna", "call_then_think"),
    ("poolside-v1", "call_think_tags_in_value"),
    ("poolside-v1", "call_then_think"),
    # Where it drops text between blocks if it comes in one piece, or passes on tags that were cut
    # in two, the text is content and the tags are read.
    ("cogito", "call_content_call"),
    ("cogito", "m_second_block"),
    ("deepseek3", "call_content_call"),
    ("deepseek3", "m_second_block"),
    # Where it does not read what comes with the end of the stream, it is read.
    ("olmo3", "calls_two_ws"),
    ("olmo3", "call_content_call"),
    ("olmo3", "m_second_block"),
}
"""Parsers and texts where some cuts give more than was recorded."""

Total = dict[str, Any]


@cache
def recorded_rows() -> list[dict[str, Any]]:
    return golden("parsers")


def recorded_tools() -> list[Tool]:
    tools = json.loads(shared("golden", "parsers_tools.json").read_text(encoding="utf-8"))
    return tools_from_json(tools) or []


def pieces(text: str, cut: dict[str, Any]) -> list[str]:
    """The pieces of a recorded cut."""
    if cut["cut"] in ("whole", "whole_done"):
        return [text]
    if cut["cut"] in ("c1", "c3"):
        size = int(cut["cut"][1])
        return [text[at : at + size] for at in range(0, len(text), size)]
    at = [0, *cut["at"], len(text)]
    return [text[start:end] for start, end in pairwise(at)]


def outputs(
    made: Parser, texts: Sequence[str], *, done_last: bool
) -> Iterator[ParserOutput | ToolCallError]:
    """What a parser gives, piece by piece; an error ends it."""
    steps = [(text, done_last and index == len(texts) - 1) for index, text in enumerate(texts)]
    if not done_last:
        steps.append(("", True))
    for text, done in steps:
        try:
            yield made.add(text, done)
        except ToolCallError as error:
            yield error.partial
            yield error
            return


def total(made: Parser, texts: Sequence[str], *, done_last: bool) -> Total:
    """All that a stream gives."""
    result: Total = {"content": "", "thinking": "", "calls": []}
    for output in outputs(made, texts, done_last=done_last):
        if isinstance(output, ToolCallError):
            result["error"] = output.message
        else:
            result["content"] += output.content
            result["thinking"] += output.thinking
            result["calls"] += [
                {
                    "name": call.name,
                    "index": call.index,
                    "id": call.id,
                    "arguments": json.dumps(json.loads(arguments_json(call))),
                }
                for call in output.tool_calls
            ]
    return result


def as_recorded(want: Total, got: Total) -> bool:
    calls = [
        {"id": "", **call, "arguments": json.dumps(json.loads(call["arguments"]))}
        for call in want["calls"]
    ]
    same = (got["content"], got["thinking"], got["calls"]) == (
        want["content"],
        want["thinking"],
        calls,
    )
    if want.get("error_lib"):
        return same and "error" in got
    return same and got.get("error") == want.get("error")


def streams(row: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The cuts of a row, each with its pieces."""
    tok = next((cut for cut in row["cuts"] if cut["cut"] == "tok"), None)
    for cut in row["cuts"]:
        used = {**cut, "at": tok["at"]} if tok and cut["cut"] == "tok_done" else cut
        yield cut, pieces(row["text"], used)


def made(row: dict[str, Any], tools: Sequence[Tool]) -> Parser:
    last = message_from_json(row["last"]) if row["last"] is not None else None
    found = parser(row["parser"], tools if row["tools"] else (), last, row["think"])
    assert found is not None
    return found


def failures(row: dict[str, Any], tools: Sequence[Tool]) -> list[str]:
    """The cuts of a row that do not give what was recorded."""
    failed = []
    for cut, texts in streams(row):
        one = made(row, tools)
        if "init_names" in row and [tool.name for tool in one.tools] != row["init_names"]:
            failed.append("names")
        got = total(one, texts, done_last=cut["done"] == "last")
        wanted = (cut.get("total", row["total"]), row["total"])
        if not any(as_recorded(want, got) for want in wanted):
            failed.append(cut["cut"])
    return failed


@pytest.mark.parametrize("name", PARSERS)
def test_as_recorded(name: str) -> None:
    tools = recorded_tools()
    rows = [row for row in recorded_rows() if row["parser"] == name]
    assert rows
    for row in rows:
        text = row["id"].split("/")[1]
        if row.get("fault") or row.get("crash"):
            for cut, texts in streams(row) if "cuts" in row else ():
                total(made(row, tools), texts, done_last=cut["done"] == "last")
        elif (name, text) not in OURS:
            assert failures(row, tools) == [], row["id"]


def test_table_as_recorded() -> None:
    table = json.loads(shared("golden", "renderer_table.json").read_text(encoding="utf-8"))
    ours = {
        name: {
            "preserved_tokens": list(family.preserved_tokens) or None,
            "thinking": family.has_thinking,
            "tools": family.has_tools,
        }
        for name, family in PARSERS.items()
    }
    assert ours == table["parsers"]
    for name in table["unknown_parsers"]:
        assert parser(name) is None
