"""A model's Go template: what it uses, and the prompts that it makes."""

from __future__ import annotations

import datetime

import pytest

from ollamars.errors import BadRequest
from ollamars.prompts.gotemplate import TemplateError
from ollamars.prompts.messages import (
    Message,
    ToolCall,
    message_from_json,
    messages_from_json,
    tools_from_json,
)
from ollamars.prompts.template import ChatTemplate, Request, collate

TODAY = datetime.date(2025, 3, 1)
TALK = (
    Message("system", "Be nice."),
    Message("user", "Hi"),
    Message("assistant", "Hello"),
    Message("user", "Bye"),
)
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "add",
            "description": "a < b",
            "parameters": {
                "type": "object",
                "required": ["b"],
                "properties": {"b": {"type": ["number", "null"]}, "a": {"enum": [1, 2.5]}},
            },
        },
    }
]


def render(text: str, request: Request) -> str:
    return ChatTemplate.parse(text).render(request, today=TODAY)


def test_messages_template() -> None:
    text = "{{ .System }}{{ range .Messages }}<{{ .Role }}>{{ .Content }}{{ end }}"
    assert render(text, Request(TALK)) == (
        "Be nice.<system>Be nice.<user>Hi<assistant>Hello<user>Bye"
    )


def test_legacy_template_prints_turns_and_leaves_the_last_one_open() -> None:
    text = "{{ if .System }}S:{{ .System }} {{ end }}U:{{ .Prompt }} A:{{ .Response }}<end>\n"
    assert render(text, Request(TALK)) == "S:Be nice. U:Hi A:Hello<end>\nU:Bye A:"
    prefilled = (*TALK, Message("assistant", "So lo"))
    assert render(text, Request(prefilled)).endswith("U:Bye A:So lo")


def test_legacy_template_without_a_response_gets_one() -> None:
    template = ChatTemplate.parse("[{{ .Prompt }}]")
    assert template.variables == ["prompt", "response"]
    assert template.is_legacy
    assert template.render(Request(TALK), today=TODAY) == "[Hi]Hello[Bye]"


def test_legacy_template_with_a_response_before_an_else() -> None:
    text = "{{ if .Prompt }}{{ .Response }}{{ else }}x{{ end }}"
    with pytest.raises(TemplateError, match="else"):
        render(text, Request(TALK))


def test_suffix() -> None:
    text = "{{ if .Suffix }}<P>{{ .Prompt }}<S>{{ .Suffix }}<M>{{ else }}{{ .Prompt }}{{ end }}"
    assert render(text, Request(prompt="a", suffix="b")) == "<P>a<S>b<M>"


@pytest.mark.parametrize(
    ("think", "printed"),
    [
        (None, "false||false"),
        (True, "true|medium|true"),
        (False, "false||true"),
        ("high", "true|high|true"),
    ],
)
def test_thinking(think: bool | str | None, printed: str) -> None:
    text = "{{ .Think }}|{{ .ThinkLevel }}|{{ .IsThinkSet }}{{ range .Messages }}{{ end }}"
    assert render(text, Request(TALK, think=think)) == printed


def test_tools_print_as_json_with_sorted_properties() -> None:
    tools = tools_from_json(TOOLS)
    properties = '{"a":{"enum":[1,2.5]},"b":{"type":["number","null"]}}'
    function = (
        '{"name":"add","description":"a \\u003c b","parameters":'
        f'{{"type":"object","required":["b"],"properties":{properties}}}}}'
    )
    text = "{{ .Tools }}|{{ range .Tools }}{{ . }}|{{ .Function }}{{ end }}"
    text += "{{ range .Messages }}{{ end }}"
    one = f'{{"type":"function","function":{function}}}'
    plain = f"{{add a < b {{object <nil> <nil> [b] {properties}}}}}"
    assert render(text, Request(TALK, tools=tools)) == f"[{one}]|{one}|{plain}"
    assert render("{{ .Tools }}{{ range .Messages }}{{ end }}", Request(TALK)) == "null"


def test_tool_calls_print_their_arguments() -> None:
    call = ToolCall("f", {"z": 1, "a": {"k": [1.5, True, None]}}, index=2, id="c1")
    message = Message("assistant", tool_calls=(call,))
    text = "{{ range .Messages }}{{ . }}{{ range .ToolCalls }}|{{ json . }}{{ end }}{{ end }}"
    arguments = '{"a":{"k":[1.5,true,null]},"z":1}'
    assert render(text, Request([message])) == (
        f"{{assistant   [] [{{c1 {{2 f {arguments}}}}}]  }}"
        f'|{{"ID":"c1","Function":{{"Index":2,"Name":"f","Arguments":{arguments}}}}}'
    )


def test_collation_joins_neighbours_but_not_tools() -> None:
    messages = [
        Message("user", "a", images=(b"1",)),
        Message("user", "b", images=(b"2",)),
        Message("tool", "x"),
        Message("tool", "y"),
    ]
    assert collate(messages) == [Message("user", "a\n\nb", images=(b"1",)), *messages[2:]]


def test_messages_of_a_request() -> None:
    message = message_from_json(
        {
            "role": "USER",
            "content": None,
            "images": ["aGk="],
            "tool_calls": [{"function": {"name": "f"}}],
        }
    )
    assert message == Message("user", images=(b"hi",), tool_calls=(ToolCall("f"),))
    for bad, where in (
        ({"content": 1}, r"messages\[0\].content"),
        ({"images": ["?"]}, r"messages\[0\].images\[0\]"),
        ("x", r"messages\[0\]"),
        ({"tool_calls": [{"function": {"arguments": []}}]}, "arguments"),
    ):
        with pytest.raises(BadRequest, match=where):
            messages_from_json([bad])
