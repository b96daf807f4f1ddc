"""Prompts by Jinja texts."""

from __future__ import annotations

import datetime
import json

import pytest

from ollamars import _core
from ollamars.errors import OllamarsError
from ollamars.prompts.jinja import context_json, jinja_renderer
from ollamars.prompts.messages import Message, ToolCall, tools_from_json

TODAY = datetime.date(2025, 3, 1)
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' ~ m.role ~ '\n' ~ m.content ~ '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"b": {}, "a": {}}}},
}


def render(template: str, context: str) -> str:
    try:
        return _core.render_jinja(template, context)
    except _core.CoreError as error:
        raise OllamarsError(str(error)) from None


def test_a_conversation() -> None:
    make = jinja_renderer(CHATML, render, today=TODAY)
    assert make([Message("developer", "s"), Message("user", "é\ud800")]) == (
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\né\ufffd<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_an_answer_that_has_begun_goes_on() -> None:
    template = CHATML + "{% if enable_thinking is false %}<think></think>{% endif %}"
    make = jinja_renderer(template, render, today=TODAY, think=True)
    text = make([Message("user", "a"), Message("assistant", "So")])
    assert text.endswith("<|im_start|>assistant\n<think></think>So")


def test_tools_and_calls_keep_their_order() -> None:
    template = "{{ tools | tojson }}{{ messages[0].tool_calls[0].function.arguments | tojson }}"
    make = jinja_renderer(template, render, today=TODAY, tools=tools_from_json([TOOL]))
    call = ToolCall("f", {"z": 1.0, "a": [0.5]})
    assert make([Message("assistant", tool_calls=(call,))]) == (
        '[{"type": "function", "function": {"name": "f", "description": "", "parameters": '
        '{"type": "object", "properties": {"b": {}, "a": {}}}}}]{"z": 1, "a": [0.5]}'
    )


def test_tokens_and_date() -> None:
    template = "{{ bos_token }}{{ eos_token }}{{ strftime_now('%d.%m.%Y') }}|{{ date_string }}"
    make = jinja_renderer(
        template, render, today=TODAY, bos_token="<s>", eos_token="</s>", strip_bos=True
    )
    assert make([]) == "</s>01.03.2025|01 Mar 2025"


def test_what_a_template_refuses() -> None:
    make = jinja_renderer("{{ raise_exception('no system') }}", render, today=TODAY)
    with pytest.raises(OllamarsError, match="no system"):
        make([])


def test_context_is_json() -> None:
    assert json.loads(context_json({"a": "é", "b": [1]})) == {"a": "é", "b": [1]}
