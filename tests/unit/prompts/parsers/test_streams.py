"""No stream makes a parser fail in another way than it says, and cuts do not matter."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ollamars.prompts.messages import Message, Think
from ollamars.prompts.parsers import PARSERS, arguments_json, parser
from tests.golden.families import Total, total
from tests.unit.prompts.parsers.samples import CALLS, EXTRA_TAGS, TOOLS

WORDS = (
    "a",
    "tide",
    " ",
    "\n",
    "é潮🌊",
    "<",
    "</",
    "{",
    "}",
    '"',
    "[",
    "=",
    "(",
    ")",
    ",",
    ":",
    "|>",
)
THINKS: tuple[Think, ...] = (None, True, False, "low")
LASTS = (
    None,
    Message("user", "x"),
    Message("assistant", "x"),
    Message("assistant"),
    Message("tool", "x"),
)
LIMIT_S = 0.25


def run(name: str, pieces: list[str], think: Think, last: Message | None = None) -> Total:
    made = parser(name, TOOLS or (), last, think)
    assert made is not None
    return total(made, pieces, done_last=False)


def tags(name: str) -> tuple[str, ...]:
    return (*PARSERS[name].preserved_tokens, *EXTRA_TAGS.get(name, ()))


def tokens(name: str) -> st.SearchStrategy[list[str]]:
    """Texts as the tokens of a family: tags, words, and the tokens of calls."""
    pattern = re.compile("|".join(map(re.escape, sorted(tags(name), key=len, reverse=True))))
    call = CALLS.get(name, "x")
    marks = [(0, 0), *(match.span() for match in pattern.finditer(call)), (len(call),) * 2]
    pieces = [
        piece
        for (_, before), (start, end) in pairwise(marks)
        for piece in (call[before:start], call[start:end])
        if piece
    ]
    parts = st.one_of(
        st.sampled_from([[tag] for tag in tags(name)] or [["x"]]),
        st.sampled_from([[word] for word in WORDS]),
        st.just(pieces),
    )
    return st.lists(parts, max_size=12).map(lambda lists: [item for part in lists for item in part])


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_call_is_read_in_pieces_of_any_size(name: str, size: int) -> None:
    text = CALLS[name]
    got = run(name, [text[at : at + size] for at in range(0, len(text), size)], False)
    assert [(call["name"], call["index"]) for call in got["calls"]] == [("get_tide", 0)]
    assert got["calls"][0]["arguments"] == '{"port": "Brest", "day": 2}'
    assert got["content"] == ""


@pytest.mark.parametrize("name", PARSERS)
def test_text_without_tags_is_content(name: str) -> None:
    text = " to=user<|message|>High tide." if name == "glimmer" else "High tide."
    text = "<|channel|>final<|message|>High tide." if name == "harmony" else text
    got = run(name, list(text), False)
    thought = name in ("qwen3-vl-thinking", "olmo3-think")
    assert (got["content"], got["thinking"]) == (
        ("", "High tide.") if thought else ("High tide.", "")
    )
    assert got["calls"] == []


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_stream_fails(name: str, data: st.DataObject) -> None:
    pieces = data.draw(st.one_of(tokens(name), st.lists(st.text(max_size=8), max_size=12)))
    start = time.process_time()
    got = run(name, pieces, data.draw(st.sampled_from(THINKS)), data.draw(st.sampled_from(LASTS)))
    assert time.process_time() - start < LIMIT_S
    assert set(got) <= {"content", "thinking", "calls", "error"}


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_tokens_may_be_cut_anywhere(name: str, data: st.DataObject) -> None:
    whole = data.draw(tokens(name))
    think = data.draw(st.sampled_from(THINKS))
    cut = data.draw(st.lists(st.integers(1, 30), min_size=len(whole), max_size=len(whole)))
    parts = [
        part
        for token, at in zip(whole, cut, strict=True)
        for part in (token[:at], token[at:])
        if part
    ]
    want = run(name, [token for token in whole if token], think)
    for pieces in (parts, list("".join(whole))):
        got = run(name, pieces, think)
        assert ("error" in got) == ("error" in want)
        if "error" not in want:
            assert got == want


@pytest.mark.parametrize("name", PARSERS)
def test_long_streams_take_linear_time(name: str) -> None:
    for part in (*tags(name), "<", "{", '"', "\\", "\n", "<a=", "call:", "'"):
        text = CALLS.get(name, "") + part * (20_000 // len(part))
        start = time.process_time()
        run(name, [text], True)
        assert time.process_time() - start < LIMIT_S, part


def test_arguments_as_they_go_to_a_client() -> None:
    made = parser("qwen3")
    assert made is not None
    text = '{"name": "f", "arguments": {"b": {"z": 1, "a": "<"}, "a": 1e21, "b": 2.50}}'
    calls = made.add(f"<tool_call>{text}</tool_call>").tool_calls
    assert [arguments_json(call) for call in calls] == ['{"b":2.5,"a":1e+21}']
