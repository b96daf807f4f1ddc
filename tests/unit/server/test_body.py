"""Bodies are read as Go's decoder reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from ollamars.errors import BadRequest
from ollamars.server import fields
from ollamars.server.body import RawJson, decode, named


@dataclass
class Call:
    name: str = ""
    arguments: dict[str, Any] | None = None


@dataclass
class Message:
    decodes_itself: ClassVar[bool] = True
    role: str = ""
    content: str = ""
    calls: list[Call] | None = None


@dataclass
class Request:
    model: str = ""
    stream: bool = True
    count: int = 7
    part: float = 0.5
    context: list[int] | None = None
    options: dict[str, Any] | None = None
    files: dict[str, str] | None = None
    messages: list[Message] | None = None
    format: RawJson | None = None
    think: fields.Think | None = None
    keep_alive: fields.KeepAlive | None = None
    images: list[fields.Image] | None = None
    call: Call | None = None
    from_: str = named("from", default="")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", {}),
        (" null ", {}),
        ('{"model":"a"} trailing', {"model": "a"}),
        ('{"model":"a"}{"model":"b"}', {"model": "a"}),
        ('{"MODEL":"a","Stream":false}', {"model": "a", "stream": False}),
        ('{"model":"a","Model":"b","model":"c"}', {"model": "c"}),
        ('{"model":"a","MODEL":null}', {"model": "a"}),
        ('{"stream":null,"count":null}', {}),
        ('{"unknown":{"a":[1,2]},"model":"x"}', {"model": "x"}),
        ('{"model":"\\ud800x"}', {"model": "\ufffdx"}),
        ('{"model":"\\ud83d\\ude42"}', {"model": "🙂"}),
        ('{"model":"\xff"}', {"model": "\xff"}),
        ('{"from":"a","from_":"b"}', {"from_": "a"}),
        ('{"count":-3,"part":2}', {"count": -3, "part": 2.0}),
        ('{"context":[1,null,3]}', {"context": [1, 0, 3]}),
        ('{"files":{"a":"b","c":null}}', {"files": {"a": "b", "c": ""}}),
        ('{"format": {"a" : 1} }', {"format": '{"a" : 1}'}),
        ('{"format":null}', {"format": "null"}),
        ('{"think":"high"}', {"think": "high"}),
        ('{"keep_alive":"5m"}', {"keep_alive": 300 * 10**9}),
        ('{"images":["AAA=","AA\\n=="]}', {"images": [b"\0\0", b"\0"]}),
        ('{"images":[null]}', {"images": [b""]}),
        (
            '{"messages":[{"ROLE":"user","calls":[{"name":"f","arguments":{"x":1}}]},null]}',
            {"messages": [Message("user", "", [Call("f", {"x": 1})]), Message()]},
        ),
        ('{"call":{"NAME":"f"}}', {"call": Call("f")}),
        ('{"options":{"a":{"b":null}}}', {"options": {"a": {"b": None}}}),
        ("\r\n\t {\n}", {}),
    ],
)
def test_values(text: str, expected: dict[str, Any]) -> None:
    assert decode(text.encode(), Request) == Request(**expected)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "missing request body"),
        (" \n", "missing request body"),
        ("\ufeff{}", "invalid character 'ï' looking for beginning of value"),
        ('{"model":"a"', "unexpected EOF"),
        ('{"model":', "unexpected EOF"),
        ("{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
        ('{"a":NaN}', "invalid character 'N' looking for beginning of value"),
        ('{"model":"a\nb"}', "invalid character '\\n' in string literal"),
        ("<html>", "invalid character '<' looking for beginning of value"),
        ("[]", "json: cannot unmarshal array into Go value of type api.Request"),
        ('"x"', "json: cannot unmarshal string into Go value of type api.Request"),
        ("7", "json: cannot unmarshal number into Go value of type api.Request"),
        (
            '{"stream":"x"}',
            "json: cannot unmarshal string into Go struct field Request.stream of type bool",
        ),
        (
            '{"model":1}',
            "json: cannot unmarshal number into Go struct field Request.model of type string",
        ),
        (
            '{"count":1.5}',
            "json: cannot unmarshal number 1.5 into Go struct field Request.count of type int",
        ),
        (
            '{"count":18446744073709551616}',
            "json: cannot unmarshal number 18446744073709551616 into Go struct field "
            "Request.count of type int",
        ),
        (
            '{"context":"x"}',
            "json: cannot unmarshal string into Go struct field Request.context of type []int",
        ),
        (
            '{"context":[1,"x"]}',
            "json: cannot unmarshal string into Go struct field Request.context of type int",
        ),
        (
            '{"options":[]}',
            "json: cannot unmarshal array into Go struct field Request.options of type "
            "map[string]interface {}",
        ),
        (
            '{"files":{"a":1}}',
            "json: cannot unmarshal number into Go struct field Request.files of type string",
        ),
        (
            '{"messages":[{"role":{}}]}',
            "json: cannot unmarshal object into Go struct field Request.messages.role of type "
            "string",
        ),
        (
            '{"messages":[1]}',
            "json: cannot unmarshal number into Go struct field Request.messages of type api.Alias",
        ),
        (
            '{"messages":{}}',
            "json: cannot unmarshal object into Go struct field Request.messages of type "
            "[]api.Message",
        ),
        (
            '{"call":{"name":true}}',
            "json: cannot unmarshal bool into Go struct field Call.call.name of type string",
        ),
        (
            '{"call":[]}',
            "json: cannot unmarshal array into Go struct field Request.call of type api.Call",
        ),
        (
            '{"images":"x"}',
            "json: cannot unmarshal string into Go struct field Request.images of type "
            "[]api.ImageData",
        ),
        (
            '{"images":[1]}',
            "json: cannot unmarshal number into Go struct field Request.images of type "
            "api.ImageData",
        ),
        ('{"images":["a!"]}', "illegal base64 data at input byte 1"),
        (
            '{"think":"no"}',
            'invalid think value: "no" (must be "high", "medium", "low", "max", true, or false)',
        ),
        ('{"keep_alive":true}', "Unsupported type: 'bool'"),
        (
            '{"model":1,"stream":"x"}',
            "json: cannot unmarshal number into Go struct field Request.model of type string",
        ),
        (
            '{"model":1,"think":"no"}',
            'invalid think value: "no" (must be "high", "medium", "low", "max", true, or false)',
        ),
        ('{"stream":1,"model":"a"', "unexpected EOF"),
        ('{"a":' + "[" * 100_000, "exceeded max depth"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_faults(text: str, error: str) -> None:
    with pytest.raises(BadRequest) as raised:
        decode(text.encode(), Request)
    assert raised.value.message == error
