"""Go's template language: small cases of each feature, and the limits."""

from __future__ import annotations

import datetime
import time
from contextlib import suppress
from typing import Any

import pytest

from ollamars.prompts.gotemplate import Limits, Template, TemplateError, TemplateLimitError

TODAY = datetime.date(2025, 3, 1)
DATA: dict[str, Any] = {
    "S": "hello",
    "E": "",
    "N": 5,
    "F": 1.5,
    "T": True,
    "Nil": None,
    "L": ["a", "b", "c"],
    "M": {"b": "2", "a": "1"},
    "U": "héllo 日本",
}


LARGE: dict[str, Any] = {
    "Text": "é" * 1_000_000,
    "List": [1] * 1_000_000,
    "Map": {str(i): i for i in range(100_000)},
}


def run(text: str, data: Any = DATA) -> str:
    return Template.parse(text).execute(data, today=TODAY)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a {{- .S -}} b", "ahellob"),
        ("{{/* c */ -}}  x", "x"),
        ("{{ .Missing }}|{{ .Nil }}", "<no value>|<no value>"),
        ("{{if .E}}1{{else if .S}}2{{else}}3{{end}}", "2"),
        ("{{with .E}}1{{else with .S}}{{.}}{{end}}", "hello"),
        ("{{range $i, $e := .L}}{{if $i}},{{end}}{{$e}}{{end}}", "a,b,c"),
        ("{{range .L}}{{if eq . `b`}}{{continue}}{{end}}{{.}}{{end}}", "ac"),
        ("{{range 3}}{{.}}{{if eq . 1}}{{break}}{{end}}{{end}}", "01"),
        ("{{range $k, $v := .M}}{{$k}}{{$v}}{{end}}", "a1b2"),
        ("{{range .E2}}x{{else}}none{{end}}", "none"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{end}}{{$x}}", "2"),
        ('{{define "t"}}[{{.}}]{{end}}{{template "t" .S}}{{block "b" 7}}{{.}}{{end}}', "[hello]7"),
        ("{{and .S .N}}{{or .E 0 `z`}}{{not .E}}", "5ztrue"),
        ("{{eq .N 4 5}}{{lt .F 2.0}}{{ge `b` `a`}}{{ne .S `x`}}", "truetruetruetrue"),
        ("{{index .L 1}}{{index .M `a`}}{{slice .S 1 3}}{{len .U}}", "b1el13"),
        ("{{.S | printf `%s-%q` `x`}}", 'x-"hello"'),
        (
            "{{printf `%5.2f|%-4d|%x|%v|%T` .F .N .S .L .M}}",
            " 1.50|5   |68656c6c6f|[a b c]|map[string]interface {}",
        ),
        ("{{print .N .F `s` .N}}", "5 1.5s5"),
        ("{{printf `%d` .S}}{{printf `%d`}}", "%!d(string=hello)%!d(MISSING)"),
        (
            "{{html `<a&\"'>`}}{{js `'<`}}{{urlquery `a b&`}}",
            "&lt;a&amp;&#34;&#39;&gt;\\'\\u003Ca+b%26",
        ),
        ("{{json .M}}{{json `<\n>`}}", '{"a":"1","b":"2"}"\\u003c\\n\\u003e"'),
        ("{{currentDate}} {{yesterdayDate}}", "2025-03-01 2025-02-28"),
        ("{{'a'}} {{0x1F}} {{1e6}} {{12345678.0}} {{1_000}}", "97 31 1e+06 1.2345678e+07 1000"),
        (r'{{"\t\"\u00e9\x41"}}', '\t"éA'),
    ],
)
def test_language(text: str, result: str) -> None:
    assert run(text) == result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ .S", "template: :1: unclosed action"),
        ("a\n{{if .T}}", "template: :2: unexpected EOF"),
        ("{{foo}}", 'template: :1: function "foo" not defined'),
        ("{{$x}}", 'template: :1: undefined variable "$x"'),
        ("{{.L[0]}}", "template: :1: bad character U+005B '['"),
        ('{{\n\n"x}}', "template: :3: unterminated quoted string in action started at :1"),
        ("{{end}}", "template: :1: unexpected {{end}}"),
        ("{{range .L}}{{else}}1{{else}}2{{end}}", "template: :1: expected end; found {{else}}"),
    ],
)
def test_parse_errors(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        Template.parse(text)
    assert str(error.value) == message
    assert error.value.stage == "parse"
    assert error.value.status == 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "é\n {{.S.X}}",
            ':2:5: executing "" at <.S.X>: can\'t evaluate field X in type interface {}',
        ),
        (
            "{{index .L 9}}",
            ':1:2: executing "" at <index .L 9>: error calling index: index out of range: 9',
        ),
        (
            "{{lt .S 1}}",
            ':1:2: executing "" at <lt .S 1>: error calling lt: '
            "incompatible types for comparison: string and int",
        ),
        ("{{.Nil.X}}", ':1:6: executing "" at <.Nil.X>: nil pointer evaluating interface {}.X'),
        (
            '{{template "x" .}}',
            ':1:11: executing "" at <{{template "x" .}}>: template "x" not defined',
        ),
        ("{{range .S}}{{end}}", ':1:8: executing "" at <.S>: range can\'t iterate over hello'),
        ("{{nil}}", ':1:2: executing "" at <nil>: nil is not a command'),
        ("{{len 1 2}}", ':1:2: executing "" at <len>: wrong number of args for len: want 1 got 2'),
    ],
)
def test_exec_errors(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        run(text)
    assert str(error.value) == "template: " + message
    assert error.value.stage == "exec"


def test_bytes_of_a_cut_character_come_back_together() -> None:
    assert run("{{slice .U 0 2}}{{slice .U 2 3}}") == "hé"
    assert run("{{slice .U 1 2}}").encode("utf-8", "surrogateescape") == "é".encode()[:1]


@pytest.mark.parametrize(
    "text",
    [
        "{{range 1000000000}}{{range 1000000000}}{{end}}{{end}}",
        '{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}',
        "{{$x := `x`}}{{range 99}}{{$x = print $x $x}}{{end}}",
        "{{range 1000000000}}{{printf `%1000000d` 1}}{{end}}",
        "{{range 1000000000}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{end}}",
        "{{range 1000000000}}{{len $.Text}}{{end}}",
        "{{range 1000000000}}{{len (slice $.List 1)}}{{end}}",
        "{{range 1000000000}}{{range $.Map}}{{break}}{{end}}{{end}}",
    ],
)
def test_work_is_bounded(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(TemplateLimitError):
        Template.parse(text).execute(LARGE, today=TODAY, limits=Limits(50_000, 1 << 20))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        "{{if 1}}" * 5000,
        "{{" + "(" * 5000,
        "{{" + "(" * 40 + "1" + ")" * 40 + "}}" + "{{if 1}}" * 40 + "{{end}}" * 40,
        '{{block "b" .}}' * 5000,
        "{{if 0}}" + "{{else if 0}}" * 20000 + "{{end}}",
        "{{print " + ". " * 20000 + "}}",
        "{{1" + " | print" * 20000 + "}}",
        "{{." + ".a" * 20000 + "}}",
        "{{/*" * 20000,
        "{{`" + "x" * 100000,
    ],
)
def test_shapes_that_nest_or_repeat(text: str) -> None:
    started = time.monotonic()
    with suppress(TemplateError):
        Template.parse(text).execute({}, today=TODAY)
    assert time.monotonic() - started < 5
