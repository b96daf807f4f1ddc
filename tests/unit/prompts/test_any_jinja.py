"""No Jinja text fails in another way than it says, or works without end."""

from __future__ import annotations

import datetime
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ollamars.errors import OllamarsError
from ollamars.prompts.jinja import jinja_renderer
from ollamars.prompts.jinja_calls import call_format
from ollamars.prompts.messages import Message, ToolCall
from tests.unit.prompts.test_jinja import render

SECONDS = 2.5
"""What one prompt may take; a quarter of a second on a machine that does nothing else."""
TALK = (
    Message("system", "s"),
    Message("user", "é\ud800"),
    Message("assistant", "a", tool_calls=(ToolCall("f", {"k": [1, {"z": None}]}),)),
    Message("tool", "r", tool_name="f"),
)
EXPRESSIONS = st.sampled_from(
    [
        "messages",
        "messages[0]",
        "messages[-1].content",
        "m.role",
        "m['content'] | trim",
        "tools | tojson",
        "x",
        "x + 1",
        "1 / 0",
        "'a' * 9",
        "range(3)",
        "m.tool_calls[0].function.arguments | items",
        "raise_exception('no')",
        "strftime_now('%Y')",
        "m.content.split('</think>')[-1].lstrip('\\n')",
        "namespace(a=1)",
        "messages | length > 2 and not x",
    ]
)
HEADS = st.sampled_from(["if", "for m in", "set x =", "elif", "macro x(a) -%}{%", ""])
PARTS = st.one_of(
    st.sampled_from(
        ["{% endif %}", "{%- endfor -%}", "{% else %}", "{# c #}", "{{", "%}", "text\n", "<think>"]
    ),
    st.builds("{{{{ {} }}}}".format, EXPRESSIONS),
    st.builds("{{% {} {} %}}".format, HEADS, EXPRESSIONS),
    st.builds(
        "{{% for m in messages %}}{{% if {} %}}{{{{ {} }}}}{{% endif %}}{{% endfor %}}".format,
        EXPRESSIONS,
        EXPRESSIONS,
    ),
)
TEXTS = st.one_of(st.lists(PARTS, max_size=6).map("".join), st.text())
ENDLESS = (
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% set n = namespace(s='x') %}{% for a in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ 'x' * 999999999999 }}",
    "{{ '[' * 60000 }}" + "{{ (" * 3000,
)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_text(text: str) -> None:
    begun = time.process_time()
    make = jinja_renderer(text, render, today=datetime.date(2025, 3, 1), bos_token="<s>")
    for messages in (TALK, TALK[:1], ()):
        with suppress(OllamarsError):
            make(messages)
    with suppress(OllamarsError):
        call_format(text, render)
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("text", ENDLESS)
def test_endless_work_ends(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(OllamarsError):
        jinja_renderer(text, render, today=datetime.date(2025, 3, 1))(TALK)
    assert time.process_time() - begun < SECONDS
