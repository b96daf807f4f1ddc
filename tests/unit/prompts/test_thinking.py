"""Thinking: tags of templates, and streams cut anywhere."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamars.prompts.messages import Message
from ollamars.prompts.template import ChatTemplate
from ollamars.prompts.thinking import (
    ThinkingParser,
    ThinkingTags,
    thinking_tags,
    without_old_thinking,
)

PIECES = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "/", "think", ">", " ", "\n", "a", "é", "\x1c"])
)


def parse(chunks: list[str], *, prefilled: bool = False) -> tuple[str, str]:
    parser = ThinkingParser(prefilled=prefilled)
    parts = [parser.add(chunk) for chunk in chunks]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("<think>a</think>b", ("a", "b")),
        (" \n<think>\n a \n</think>\n\n b", ("a \n", "b")),
        ("<think></think>b", ("", "b")),
        (" a<think>b</think>", ("", " a<think>b</think>")),
        ("<think>a</think>b<think>c</think>", ("a", "b<think>c</think>")),
        ("<think>a</thin", ("a", "")),
        ("<thin", ("", "")),
    ],
)
def test_streams(text: str, result: tuple[str, str]) -> None:
    assert parse([text]) == result
    assert parse(list(text)) == result


def test_a_prompt_that_opened_the_thinking() -> None:
    assert parse([" a", "</think>", "b"], prefilled=True) == ("a", "b")


@given(PIECES, st.data())
def test_cuts_do_not_matter(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    bounds = [0, *cuts, len(text)]
    chunks = [text[a:b] for a, b in pairwise(bounds)]
    assert parse(chunks) == parse([text])
    assert parse(chunks, prefilled=True) == parse([text], prefilled=True)


def test_long_streams_take_linear_time() -> None:
    started = time.monotonic()
    for text in (" " * 200_000, "<think>" + " a<" * 100_000):
        parse(list(text))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (
            "{{ range .Messages }}{{ if .Thinking }}<t>\n{{ .Thinking }}</t>{{ end }}{{ end }}",
            ("<t>", "</t>"),
        ),
        (
            "{{ range .Other }}<t>{{ .Thinking }}</t>{{ end }}{{ range .Messages }}{{ end }}",
            ("", ""),
        ),
        ("{{ range $m := .Messages }}<t>{{ $m.Thinking }}</t>{{ end }}", ("", "")),
    ],
)
def test_tags_of_templates(text: str, tags: tuple[str, str]) -> None:
    assert thinking_tags(ChatTemplate.parse(text)) == ThinkingTags(*tags)


def test_old_thinking_is_removed_from_earlier_answers() -> None:
    answer = Message("assistant", "<think>x</think> y")
    messages = [Message("user", "a"), answer, Message("user", "b"), answer]
    kept = without_old_thinking(messages, "llama", "registry/library/deepseek-r1:7b")
    assert [message.content for message in kept] == ["a", "y", "b", answer.content]
    assert without_old_thinking(messages, "llama", "other") == messages
