"""From OpenAI's requests to calls, without a server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Message, ToolCall
from ollamars.server.body import decode
from ollamars.server.calls import ChatCall, GenerateCall
from ollamars.server.dialects.openai import chat_completions, completions, responses_request

IMAGE = b"\x89PNG"
URL = "data:image/png;base64," + base64.b64encode(IMAGE).decode()
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
USER = {"role": "user", "content": "hi"}


def chat(**body: Any) -> ChatCall:
    data = json.dumps({"model": "m", "messages": [USER], **body}).encode()
    return chat_completions.chat_call(decode(data, chat_completions.ChatCompletionRequest))


def generate(**body: Any) -> GenerateCall:
    data = json.dumps({"model": "m", "prompt": "p", **body}).encode()
    return completions.generate_call(decode(data, completions.CompletionRequest))


def respond(**body: Any) -> ChatCall:
    data = json.dumps({"model": "m", "input": "hi", **body}).encode()
    return responses_request.chat_call(decode(data, responses_request.ResponsesRequest))


def refused(make: Any, **body: Any) -> str:
    with pytest.raises(BadRequest) as error:
        make(**body)
    return error.value.message


def test_what_is_not_said() -> None:
    call = chat()
    assert call.messages == [Message("user", "hi")]
    assert call.options == {"temperature": 1.0, "top_p": 1.0}
    assert (call.think, call.format, call.tools, call.logprobs) == (None, None, None, False)
    assert generate().options == {
        "temperature": 1.0,
        "top_p": 1.0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
    }
    assert respond().options == {"temperature": 1.0}


def test_options() -> None:
    options = {"seed": 3, "temperature": 0, "top_p": 0.5, "frequency_penalty": 1.5}
    assert chat(**options, max_tokens=7, stop="x", presence_penalty=-1).options == {
        **options,
        "num_predict": 7,
        "presence_penalty": -1.0,
        "stop": ["x"],
    }
    assert (generate(max_tokens=2).options or {})["num_predict"] == 2
    assert respond(max_output_tokens=2, top_p=0).options == {
        "num_predict": 2,
        "top_p": 0.0,
        "temperature": 1.0,
    }


@pytest.mark.parametrize(
    ("stop", "texts"),
    [("", [""]), (["a", 1, "b"], ["a", "b"]), ([], None), ([1], None), (5, None), ({}, None)],
)
def test_stop(stop: Any, texts: list[str] | None) -> None:
    assert (chat(stop=stop).options or {}).get("stop") == texts


def test_stop_of_completions_must_be_texts() -> None:
    assert (generate(stop=["a", ""]).options or {})["stop"] == ["a", ""]
    assert refused(generate, stop=["a", 1]) == "invalid type for 'stop' field: float64"
    assert refused(generate, stop=[None]) == "invalid type for 'stop' field: <nil>"
    assert refused(generate, stop=[["a"]]) == "invalid type for 'stop' field: []interface {}"


@pytest.mark.parametrize(
    ("effort", "think"),
    [("none", False), ("minimal", "low"), ("high", "high"), ("ultra", "max"), ("", None)],
)
def test_effort(effort: str, think: object) -> None:
    assert chat(reasoning_effort=effort).think == think
    assert chat(reasoning={"effort": effort}, reasoning_effort="medium").think == think
    assert respond(reasoning={"effort": effort}).think == think


def test_an_effort_that_is_not_known() -> None:
    text = (
        'invalid reasoning value: "HIGH" (must be "minimal", "low", "medium", "high", "xhigh", '
        '"ultra", "max", or "none")'
    )
    assert refused(chat, reasoning_effort="HIGH") == text
    assert refused(respond, reasoning={"effort": "HIGH"}) == text


def test_format() -> None:
    assert chat(response_format={"type": " JSON_object "}).format == '"json"'
    schema = {"type": "object", "properties": {"b": {}, "a": {}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert json.loads(chat(response_format=wanted).format or "") == schema
    assert chat(response_format={"type": "json_schema"}).format is None
    assert chat(response_format={"type": "text"}).format is None
    assert json.loads(respond(text={"format": {**wanted, "schema": schema}}).format or "") == schema
    assert respond(text={"format": {"type": "json_object"}}).format == '"json"'
    assert respond(text={"format": {"type": "text"}}).format is None


def test_each_part_is_a_message() -> None:
    parts: list[Any] = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": URL}},
        {"type": "image_url", "image_url": URL.replace("image/png", "")},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    assert chat(messages=[{"role": "User", "content": parts}]).messages == [
        Message("user", "a"),
        Message("user", images=(IMAGE,)),
        Message("user", images=(IMAGE,)),
        Message("user", images=(b"\0\0\0",)),
    ]


def test_calls_and_their_results() -> None:
    call = ToolCall("f", {"a": 1}, id="c1")
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning": "r"},
        {"role": "tool", "tool_call_id": "c1", "content": "7"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "8"}]},
        {"role": "tool", "name": "g", "content": "9"},
        {"role": "assistant", "content": [{"type": "text", "text": "x"}], "tool_calls": [CALL]},
        {"role": "assistant", "content": [], "tool_calls": [CALL]},
    ]
    assert chat(messages=messages).messages == [
        Message("assistant", thinking="r", tool_calls=(call,)),
        Message("tool", "7", tool_name="f", tool_call_id="c1"),
        Message("tool", "8", tool_name="f", tool_call_id="c1"),
        Message("tool", "9", tool_name="g"),
        Message("assistant", "x", tool_calls=(call,)),
        Message("assistant", tool_calls=(call,)),
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "invalid message content type: <nil>"),
        (True, "invalid message content type: bool"),
        (5, "invalid message content type: float64"),
        ({}, "invalid message content type: map[string]interface {}"),
        (["x"], "invalid message format"),
        ([{"type": "text"}], "invalid message format"),
        ([{"type": ["text"]}], "invalid message format"),
        ([{"type": "image_url", "image_url": {}}], "invalid message format"),
        ([{"type": "image_url", "image_url": "data:image/gif;base64,AA=="}], "invalid image input"),
        ([{"type": "image_url", "image_url": "data:;base64,@"}], "invalid image input"),
        ([{"type": "input_audio"}], "invalid input_audio format"),
        ([{"type": "input_audio", "input_audio": {}}], "invalid input_audio format: missing data"),
        (
            [{"type": "input_audio", "input_audio": {"data": "AA"}}],
            "invalid input_audio base64 data: illegal base64 data at input byte 2",
        ),
        (
            [{"type": "image_url", "image_url": "https://example.com/a.png"}],
            "image URLs are not currently supported, please use base64 encoded data instead",
        ),
    ],
)
def test_content_that_cannot_be_read(content: Any, text: str) -> None:
    assert refused(chat, messages=[{"role": "user", "content": content}]) == text


@pytest.mark.parametrize("arguments", ["", "{bad", "[]", '"x"', "{} {}"])
def test_arguments_must_be_an_object(arguments: str) -> None:
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}
    messages = [{"role": "assistant", "content": "", "tool_calls": [call]}]
    assert refused(chat, messages=messages) == "invalid tool call arguments"


def test_there_must_be_messages() -> None:
    assert refused(chat, messages=[]) == "[] is too short - 'messages'"
    assert refused(chat, messages=None) == "[] is too short - 'messages'"


def test_input_items() -> None:
    call = ToolCall("f", {"a": 1}, id="c1")
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image"}]},
        {"type": "reasoning", "summary": [], "encrypted_content": "hmm"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "t"}]},
        {"type": "function_call_output", "call_id": "c1", "output": "7"},
        {"type": "web_search_call", "id": "w"},
        {"Type": "message", "Role": "user", "Content": "b"},
        {"type": "reasoning", "encrypted_content": "more"},
    ]
    assert respond(input=items, instructions="s").messages == [
        Message("system", "s"),
        Message("user", "a"),
        Message("assistant", "t", thinking="hmm", tool_calls=(call,)),
        Message("tool", "7", tool_name="f", tool_call_id="c1"),
        Message("user", "b"),
        Message("assistant", thinking="more"),
    ]


def test_calls_of_one_answer_are_one_message() -> None:
    items = [
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": ""},
        {"type": "function_call", "call_id": "2", "name": "g", "arguments": "null"},
        {"type": "function_call_output", "call_id": "2", "output": [{"type": "input_text"}]},
        {
            "role": "user",
            "content": [{"type": "input_image", "image_url": URL}],
        },
    ]
    assert respond(input=items).messages == [
        Message("assistant", tool_calls=(ToolCall("f", id="1"), ToolCall("g", id="2"))),
        Message("tool", tool_name="g", tool_call_id="2"),
        Message("user", images=(IMAGE,)),
    ]


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([{"content": "x"}], "input[0]: input item missing required 'type' field"),
        ([{}, 3], "input[0]: input item missing required 'type' field"),
        ([{"type": "x"}], 'input[0]: unknown input item type: "x"'),
        (
            [{"role": "user", "content": "a"}, {"role": "user", "content": [{"type": "x"}]}],
            "input[1]: content[0]: unknown content type: x",
        ),
        (
            [{"type": "function_call_output", "output": [{"type": "x"}]}],
            "input[0]: output[0]: unknown content type: x",
        ),
        (
            [{"role": "user", "content": [{"type": "input_file"}]}],
            "file inputs are not currently supported",
        ),
    ],
)
def test_items_that_cannot_be_read(items: Any, text: str) -> None:
    assert refused(respond, input=items) == text


@pytest.mark.parametrize("value", [5, {"a": 1}, True])
def test_input_of_a_wrong_type(value: Any) -> None:
    assert refused(respond, input=value).startswith("input must be a string or array: json: ")


def test_tools_of_responses() -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "name": "f", "parameters": parameters}
    space = {"type": "namespace", "name": "ns", "tools": [tool, {**tool, "name": "ns.g"}]}
    call = respond(tools=[tool, space, {"type": "web_search"}])
    assert [each.name for each in call.tools or ()] == ["f", "ns.f", "ns.g"]
    assert list((call.tools or [])[0].parameters.properties or {}) == ["city"]
    assert respond(tools=[{"type": "web_search"}]).tools is None
    message = refused(respond, tools=[{**tool, "parameters": {"type": 5}}])
    assert message.startswith("failed to unmarshal tool parameters: ")


@pytest.mark.parametrize("value", [True, "1", 1e300])
def test_numbers_of_32_bits(value: Any) -> None:
    assert "of type float32" in refused(generate, temperature=value)


def test_names_of_types_in_errors() -> None:
    assert refused(chat, messages=7) == (
        "json: cannot unmarshal number into Go struct field ChatCompletionRequest.messages of "
        "type []openai.Message"
    )
    assert refused(respond, reasoning=7) == (
        "json: cannot unmarshal number into Go struct field ResponsesRequest.reasoning of type "
        "openai.ResponsesReasoning"
    )
