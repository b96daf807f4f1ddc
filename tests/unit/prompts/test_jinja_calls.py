"""Formats of tool calls that follow from Jinja texts."""

from __future__ import annotations

import pytest

from ollamars.prompts.jinja_calls import CallFormat, call_format
from tests.unit.prompts.test_jinja import render as render_jinja

HEAD = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{{ m.content }}{% for call in m.tool_calls %}"
)
TAIL = (
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
FUNCTION = "{% set f = call.function %}"
JSON = '{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}}'
XML = (
    "<tool_call>\n<function={{ f.name }}>\n{% for k, v in f.arguments.items() %}"
    "<parameter={{ k }}>\n{{ v }}\n</parameter>\n{% endfor %}</function>\n</tool_call>"
)
PAIRS = (
    "<tool_call>{{ f.name }}\n{% for k, v in f.arguments.items() %}<arg_key>{{ k }}</arg_key>\n"
    "<arg_value>{{ v }}</arg_value>\n{% endfor %}</tool_call>"
)


def found(call: str, tail: str = TAIL) -> CallFormat:
    return call_format(HEAD + FUNCTION + call + tail, render_jinja)


@pytest.mark.parametrize(
    ("call", "tag"),
    [
        (JSON, "{"),
        ("<tool_call>\n" + JSON + "\n</tool_call>", "<tool_call>"),
        ("<think>\n\n</think>\n\n<tool_call>\n" + JSON + "\n</tool_call>", "<tool_call>"),
        ("[TOOL_CALLS][" + JSON + "]", "[TOOL_CALLS]["),
        ("<|python_tag|>" + JSON.replace('arguments"', 'parameters"'), "<|python_tag|>"),
    ],
)
def test_json_behind_a_tag(call: str, tag: str) -> None:
    assert found(call) == CallFormat(tag)


def test_the_tag_is_whole_where_the_prompt_begins_like_it() -> None:
    tail = TAIL.replace("assistant\n", "assistant\n<think>\n")
    assert found("<tool_call>" + JSON + "</tool_call>", tail) == CallFormat("<tool_call>")


def test_formats_of_families() -> None:
    assert found(XML) == CallFormat(family="qwen3-coder")
    assert found(XML, TAIL + "{# <think> </think> #}").family == "qwen3.5"
    assert found(PAIRS, TAIL + "{# <think> </think> #}").family == "glm-4.7"


def test_templates_that_do_not_say() -> None:
    for template in ("{{ messages[0].content }}", "{{ raise_exception('no') }}", "{% if %}"):
        assert call_format(template, render_jinja) == CallFormat()
