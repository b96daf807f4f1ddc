"""The nearest known Jinja text, and the Go templates of known formats."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamars.prompts.known_shapes import SHAPES
from ollamars.prompts.known_templates import KNOWN
from ollamars.prompts.match import BOUND, Known, edit_distance, nearest, nearest_format, shape
from ollamars.prompts.messages import Message
from ollamars.prompts.template import ChatTemplate, Request

TODAY = datetime.date(2025, 3, 1)
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
FEW = st.text("ab☃", max_size=12)


def by_the_table(left: str, right: str) -> int:
    """Wagner and Fischer's table, a row at a time."""
    row = list(range(len(right) + 1))
    for above, char in enumerate(left):
        corner, row[0] = row[0], above + 1
        for at, other in enumerate(right):
            corner, row[at + 1] = (
                row[at + 1],
                min(row[at + 1] + 1, row[at] + 1, corner + (char != other)),
            )
    return row[-1]


@given(FEW, FEW)
def test_the_edit_distance(left: str, right: str) -> None:
    assert edit_distance(left, right) == by_the_table(left, right)


@given(st.text(max_size=40), st.text(max_size=40))
def test_shapes_are_no_farther_apart_than_texts(left: str, right: str) -> None:
    assert edit_distance(shape(left), shape(right)) <= edit_distance(left, right)


def test_the_first_of_the_nearest_within_the_bound() -> None:
    known = [Known("far", "x" * 200), Known("first", "abcd"), Known("second", "abce")]
    assert nearest("abc", known) == "first"
    assert nearest("abce", known) == "second"
    assert nearest("abcd" + "☃" * (BOUND - 1), known) == "first"
    assert nearest("☃" * BOUND + "abcd", known) is None
    assert nearest("", []) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (CHATML, "chatml"),
        (CHATML.replace("'", '"'), "chatml"),
        (CHATML.replace("{%", "{%-"), "chatml"),
        ("☃" * 99 + CHATML, "chatml"),
        ("☃" * 150 + CHATML, None),
        (CHATML.swapcase(), None),
        ("", None),
        ("x" * 1_000_000, None),
    ],
)
def test_a_chat_template(text: str, name: str | None) -> None:
    assert nearest_format(text) == name


def test_every_known_format_has_a_template() -> None:
    assert {name for name, _ in SHAPES} == set(KNOWN)


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("alfred", "<start_system>S<end_message><start_user>U<end_message><start_assistant>"),
        ("alpaca", "S\n\n### Instruction:\nU\n\n### Response:\n"),
        ("chatqa", "System: S\n\nUser: U\n\nAssistant:"),
        ("gemma-instruct", "<start_of_turn>user\nS\nU<end_of_turn>\n<start_of_turn>model\n"),
        ("gemma3-instruct", "<start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\n\n"),
        ("llama2-chat", "[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST]"),
        ("mistral-instruct", "[INST] S\n\nU[/INST]"),
        ("phi-3", "<|system|>\nS<|end|>\n<|user|>\nU<|end|>\n<|assistant|>\n"),
    ],
)
def test_a_conversation(name: str, prompt: str) -> None:
    template = ChatTemplate.parse(KNOWN[name].text)
    request = Request(messages=[Message("system", "S"), Message("user", "U")])
    assert template.render(request, today=TODAY) == prompt


@pytest.mark.parametrize("name", KNOWN)
def test_templates_go_on_after_an_answer(name: str) -> None:
    template = ChatTemplate.parse(KNOWN[name].text)
    turns = [Message("user", "one"), Message("assistant", "two"), Message("user", "three")]
    text = template.render(Request(messages=turns), today=TODAY)
    assert text.index("one") < text.index("two") < text.index("three")
    assert not text.endswith("three")
    assert all(stop for stop in KNOWN[name].stop)
