"""No template and no data make the interpreter fail in another way than it says."""

from __future__ import annotations

import datetime
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ollamars.prompts.capabilities import template_capabilities
from ollamars.prompts.gotemplate import Template, TemplateError, TemplateLimitError
from ollamars.prompts.messages import Message, ToolCall
from ollamars.prompts.template import ChatTemplate, Request
from ollamars.prompts.thinking import thinking_tags
from ollamars.prompts.tool_tag import tool_tag

TODAY = datetime.date(2025, 3, 1)

OPERANDS = st.sampled_from(
    [
        ".",
        ".S",
        ".L",
        ".M",
        ".M.a",
        ".Nil",
        ".N",
        ".F",
        "$",
        "$x",
        "$i",
        "nil",
        "true",
        "1",
        "-1",
        "2.5",
        "1i",
        "'a'",
        '"s"',
        "`r`",
        "(.M).a",
        ".Messages",
        "(len(.L))",
        ".Response",
        ".Prompt",
        ".Thinking",
        ".ToolCalls",
        ".Role",
        ".Content",
        ".Tools",
        ".Function.Name",
        "99999999999",
    ]
)
NAMES = [
    "and",
    "or",
    "not",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "len",
    "index",
    "slice",
    "print",
    "printf",
    "println",
    "html",
    "js",
    "urlquery",
    "call",
    "json",
    "currentDate",
    "toTypeScriptType",
]
FORMAT = 'printf "%d|%5.2f|%x|%q|%v|%+v|%#v|%T|%c|%U|%b|%o|%e|%t|%p|%[2]*.[1]*f"'
FUNCTIONS = st.sampled_from(["", FORMAT, *NAMES])
COMMANDS = st.builds(
    lambda name, args: " ".join([name, *args]).strip() or ".",
    FUNCTIONS,
    st.lists(OPERANDS, max_size=3),
)
PIPELINES = st.lists(COMMANDS, min_size=1, max_size=3).map(" | ".join)
HEADS = st.sampled_from(
    [
        "if",
        "range",
        "with",
        "range $i, $x :=",
        " $x :=",
        "range $x :=",
        "with $x :=",
        "if $x :=",
        "else if",
        "$x :=",
        "$x =",
        "",
        "",
        "",
        "-",
        'template "t"',
        'block "b"',
    ]
)
ACTIONS = st.builds(lambda head, pipeline: f"{{{{{head} {pipeline}}}}}", HEADS, PIPELINES)
BRANCHES = st.sampled_from(["if", "range", "with", "range $i, $x :="])
TOKENS = st.sampled_from(
    [
        "text ",
        "\n",
        "é",
        "{{end}}",
        "{{else}}",
        "{{break}}",
        "{{continue}}",
        "{{- ",
        " -}}",
        "{{",
        "}}",
    ]
)
LITERALS = st.sampled_from(["{{/* c */}}", '{{define "t"}}', "<think>", "`", '"'])


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts with a control structure around other texts."""
    bodies = st.lists(inner, max_size=3).map("".join)
    return st.builds(
        lambda head, pipeline, body, other: (
            f"{{{{{head} {pipeline}}}}}{body}{{{{else}}}}{other}{{{{end}}}}"
        ),
        BRANCHES,
        PIPELINES,
        bodies,
        bodies,
    )


PARTS = st.recursive(st.one_of(TOKENS, LITERALS, ACTIONS), nested, max_leaves=12)
TEXTS = st.lists(PARTS, max_size=4).map("".join)
DATA: dict[str, Any] = {
    "S": "hé\udcc3",
    "L": ["a", 1, None, 2.5, [], {}],
    "M": {"b": 1, "a": {"c": True}},
    "Nil": None,
    "N": -3,
    "F": float("nan"),
}
TALK = (
    Message("system", "s"),
    Message("user", "u", images=(b"x",)),
    Message("assistant", "a", "t", tool_calls=(ToolCall("f", {"k": [1, {"z": None}]}),)),
    Message("tool", "r"),
)


SECONDS = 2.5
"""What one template may take; a quarter of a second on a machine that does nothing else."""


def run(text: str) -> str:
    return Template.parse(text).execute(DATA, today=TODAY)


def within_bounds(begun: float) -> None:
    assert time.process_time() - begun < SECONDS


@settings(max_examples=300, deadline=None)
@given(st.one_of(TEXTS, st.text()))
def test_parsing_and_executing(text: str) -> None:
    begun = time.process_time()
    with suppress(TemplateError):
        run(text)
    within_bounds(begun)


@settings(max_examples=100, deadline=None)
@given(PIPELINES)
def test_endless_work_ends(pipeline: str) -> None:
    """Whatever a template does again and again."""
    begun = time.process_time()
    text = "{{range 1000000000}}{{if PIPE}}{{end}}{{PIPE}}{{end}}".replace("PIPE", pipeline)
    with pytest.raises(TemplateError):
        run(text)
    within_bounds(begun)


def test_work_may_grow_with_the_conversation() -> None:
    template = ChatTemplate.parse("{{ range .Messages }}{{ range 500 }}{{ end }}{{ end }}")
    talk = [Message("user" if index % 2 else "assistant", "x") for index in range(2000)]
    template.render(Request(talk), today=TODAY)
    greedy = ChatTemplate.parse("{{ range .Messages }}{{ range 2000 }}{{ end }}{{ end }}")
    greedy.render(Request(talk[:20]), today=TODAY)
    with pytest.raises(TemplateLimitError):
        greedy.render(Request(talk), today=TODAY)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_prompts(text: str) -> None:
    begun = time.process_time()
    with suppress(TemplateError):
        template = ChatTemplate.parse(text)
        thinking_tags(template)
        assert tool_tag(template)
        template_capabilities(template)
        for request in (Request(TALK, think=True), Request(prompt="p", suffix="s"), Request()):
            with suppress(TemplateError):
                template.render(request, today=TODAY)
    within_bounds(begun)
