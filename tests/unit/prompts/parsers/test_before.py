"""Where the thinking of each family stands before the content."""

from __future__ import annotations

import pytest

from ollamars.prompts.messages import Message, Think
from ollamars.prompts.parsers.before import thinking_before

USER = Message("user", "x")
BEGUN = Message("assistant", "It is")


@pytest.mark.parametrize(
    ("name", "last", "think", "marks"),
    [
        ("qwen3", USER, None, None),
        ("qwen3-thinking", USER, True, ("", "</think>")),
        ("qwen3-thinking", USER, False, None),
        ("qwen3-vl-thinking", USER, None, ("", "</think>")),
        ("qwen3-vl-thinking", BEGUN, None, None),
        ("deepseek3", USER, True, ("", "</think>")),
        ("deepseek3", USER, False, None),
        ("gemma4", USER, True, ("<|channel>", "<channel|>")),
        ("gemma4-no-thinking", USER, None, None),
        ("cohere", USER, True, ("", "<|END_THINKING|>")),
        ("ministral", USER, None, ("[THINK]", "[/THINK]")),
        ("harmony", USER, None, ("", "<|channel|>final<|message|>")),
        ("harmony", BEGUN, None, None),
        ("lfm2-thinking", USER, True, ("<think>", "</think>")),
        ("qwen3-coder", USER, None, None),
        ("passthrough", USER, None, None),
        ("no-such-family", USER, None, None),
    ],
)
def test_marks(name: str, last: Message, think: Think, marks: tuple[str, str] | None) -> None:
    assert thinking_before(name, last, think) == marks
