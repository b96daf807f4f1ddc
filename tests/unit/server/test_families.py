"""Built-in renderers and parsers end to end: a real process, and a model that writes calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.served import Served
from tests.tiny_gguf import CHAINS, successor_model

TEMPLATE = (
    "{{ range .Tools }}[{{ .Function.Name }}]{{ end }}"
    "{{ range .Messages }}<{{ .Role }}>{{ range .ToolCalls }}{{ .Function.Name }}"
    "{{ json .Function.Arguments }}{{ end }}{{ .Content }}{{ end }}"
)
"""Ends with the last message, so that its last digit chooses what the model says."""
JINJA = (
    "{{ tools | tojson }}{% for m in messages %}<{{ m.role }}>{% for call in m.tool_calls %}"
    "<tool_call>\n<function={{ call.function.name }}>\n"
    "{% for k, v in call.function.arguments.items() %}<parameter={{ k }}>\n{{ v }}\n</parameter>\n"
    "{% endfor %}</function>\n</tool_call>{% endfor %}{{ m.content }}{% endfor %}"
)
Json = dict[str, Any]


def tool(name: str) -> Json:
    properties = {"city": {"type": "string"}}
    parameters = {"type": "object", "properties": properties, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Models whose answers are read as Qwen3-Coder's and as those of gpt-oss."""
    folder = tmp_path_factory.mktemp("families")
    plain = successor_model(folder / "plain.gguf")
    calls = successor_model(folder / "calls.gguf", default_chain=4)
    with Served(folder) as server:
        server.create("coder", plain, template=TEMPLATE, parser="qwen3-coder")
        server.create("harmony", plain, template=TEMPLATE, parser="harmony")
        server.create("rendered", calls, renderer="qwen3-coder", parser="qwen3-coder")
        server.create("jinja", successor_model(folder / "j.gguf", chat_template=JINJA))
        server.create("unknown", plain, renderer="no-such-family")
        yield server


def chat(server: Served, stream: bool, **body: Any) -> Json:
    """The message of an answer: its parts joined, its calls without their ids."""
    if stream:
        chunks = server.lines("/api/chat", body)
        assert [chunk["done"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert chunks[-1]["done_reason"] == "stop"
        messages = [chunk["message"] for chunk in chunks]
    else:
        messages = [server.json("POST", "/api/chat", {**body, "stream": False})["message"]]
    calls = [call for message in messages for call in message.get("tool_calls", ())]
    assert all(re.fullmatch("call_[a-z0-9]{8}", call["id"]) for call in calls)
    return {
        "content": "".join(message["content"] for message in messages),
        "thinking": "".join(message.get("thinking", "") for message in messages),
        "calls": [call["function"] for call in calls],
        "messages": messages,
    }


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", ["coder", "jinja"])
def test_a_tool_is_called_and_its_result_answered(
    families: Served, model: str, stream: bool
) -> None:
    """The tags of the call are special tokens, which come to the parser as text."""
    messages: list[Json] = [{"role": "user", "content": "Weather? 4"}]
    tools = [tool("get_weather")]
    called = chat(families, stream, model=model, messages=messages, tools=tools)
    assert called["calls"] == [
        {"index": 0, "name": "get_weather", "arguments": {"city": "Paris"}},
    ]
    assert called["content"] == "Let me look."
    messages += called["messages"]
    messages.append({"role": "tool", "tool_name": "get_weather", "content": "wet 7"})
    answered = chat(families, stream, model=model, messages=messages, tools=tools)
    assert (answered["content"], answered["calls"]) == ("It rains.", [])


@pytest.mark.parametrize("stream", [True, False])
def test_harmony(families: Served, stream: bool) -> None:
    """Thinking in a channel, a call at the end, a name that the prompt cannot hold."""
    messages: list[Json] = [{"role": "user", "content": "Weather? 5"}]
    tools = [tool("get-weather")]
    called = chat(families, stream, model="harmony", messages=messages, tools=tools)
    assert called["thinking"] == "The user wants a call."
    assert called["content"] == ""
    assert called["calls"] == [
        {"index": 0, "name": "get-weather", "arguments": {"city": "Paris"}},
    ]
    messages += called["messages"]
    messages.append({"role": "tool", "tool_name": "get-weather", "content": "dry 6"})
    answered = chat(families, stream, model="harmony", messages=messages, tools=tools)
    assert answered["content"] == "It is sunny."


def test_renamed_tools_are_in_the_prompt(families: Served) -> None:
    body = {
        "model": "harmony",
        "messages": [{"role": "user", "content": "x"}],
        "tools": [tool("get-weather")],
        "_debug_render_only": True,
    }
    answer = families.json("POST", "/api/chat", body)
    assert answer["_debug_info"]["rendered_template"] == "[get_weather]<user>x"


def test_a_renderer_makes_the_prompt(families: Served) -> None:
    body: Json = {"model": "rendered", "messages": [{"role": "user", "content": "hi"}]}
    answer = families.json("POST", "/api/chat", {**body, "_debug_render_only": True})
    assert answer["_debug_info"]["rendered_template"] == (
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )
    called = chat(families, True, **body, tools=[tool("get_weather")])
    assert [call["arguments"] for call in called["calls"]] == [{"city": "Paris"}]


def test_generate_reads_answers_too(families: Served) -> None:
    body = {"model": "harmony", "prompt": "x5", "stream": False}
    answer = families.json("POST", "/api/generate", body)
    assert (answer["response"], answer["thinking"]) == ("", "The user wants a call.")
    assert answer["tool_calls"][0]["function"]["name"] == "get_weather"
    lines = families.lines("/api/generate", {**body, "stream": True})
    assert all(line["response"] or line.get("thinking") or line["done"] for line in lines)
    raw = families.json("POST", "/api/generate", {**body, "raw": True})
    assert raw["response"] == "".join(CHAINS[5])


def test_an_unknown_renderer(families: Served) -> None:
    body = {"model": "unknown", "messages": [{"role": "user", "content": "hi"}]}
    status, answer = families.request("POST", "/api/chat", body)
    assert status >= 400
    assert b'unknown renderer \\"no-such-family\\"' in answer


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
def test_log_probabilities(families: Served, path: str) -> None:
    body: Json = {"model": "coder", "messages": [{"role": "user", "content": "7"}], "prompt": "7"}
    body |= {"logprobs": True, "top_logprobs": 2, "options": {"temperature": 0}}
    chunks = families.lines(path, body)
    assert "logprobs" not in chunks[-1]
    streamed = [token for chunk in chunks for token in chunk.get("logprobs", ())]
    assert [token["token"] for token in streamed] == list(CHAINS[7])
    for token in streamed:
        assert bytes(token["bytes"]).decode() == token["token"]
        assert -0.3 < token["logprob"] <= 0
        assert len(token["top_logprobs"]) == 2
        assert token["top_logprobs"][0] == {
            key: token[key] for key in ("token", "logprob", "bytes")
        }
    whole = families.json("POST", path, {**body, "stream": False, "top_logprobs": 0})
    assert [set(token) for token in whole["logprobs"]] == [{"token", "logprob", "bytes"}] * 2
    assert "logprobs" not in families.json(
        "POST", path, body | {"stream": False, "logprobs": False}
    )


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
def test_tokens_of_a_stop_string_have_no_log_probabilities(families: Served, path: str) -> None:
    body: Json = {"model": "coder", "messages": [{"role": "user", "content": "3"}], "prompt": "3"}
    body |= {"logprobs": True, "options": {"stop": ["re not"]}, "stream": False}
    tokens = [token["token"] for token in families.json("POST", path, body)["logprobs"]]
    assert tokens == ["stop", " he"]
