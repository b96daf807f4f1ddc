"""OpenAI's routes on an engine with a script."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
import zstandard

from tests.unit.server.conftest import Site
from tests.unit.server.test_chat import CALL, THOUGHT, TOOL, USER

pytestmark = pytest.mark.trio

CHAT = "/v1/chat/completions"
FUNCTION: Any = TOOL["function"]
RESPONSES_TOOL = {"type": "function", **FUNCTION}


async def events(site: Site, path: str, **body: Any) -> list[Any]:
    """The data of all events."""
    answer = await site.ask("POST", path, {"stream": True, **body})
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "text/event-stream"
    blocks = answer.text.removesuffix("\n\n").split("\n\n")
    data = [block.split("\n")[-1].removeprefix("data: ") for block in blocks]
    return [json.loads(each) if each != "[DONE]" else each for each in data]


async def whole(site: Site, path: str, **body: Any) -> Any:
    answer = await site.ask("POST", path, body)
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


async def refused(site: Site, path: str, **body: Any) -> tuple[int, str, str, str]:
    """Status, content type, type and message of an error."""
    answer = await site.ask("POST", path, body)
    error = answer.json()["error"]
    assert (error.pop("param"), error.pop("code")) == (None, None)
    content_type = answer.headers["Content-Type"].removeprefix("application/json")
    return answer.status_code, content_type, error["type"], error["message"]


async def test_a_chat_completion(site: Site) -> None:
    site.loads.script[:] = THOUGHT
    answer = await whole(site, CHAT, model="think", messages=USER)
    assert answer["id"].startswith("chatcmpl-")
    assert answer["created"] > 1_700_000_000
    assert answer | {"id": "", "created": 0} == {
        "id": "",
        "object": "chat.completion",
        "created": 0,
        "model": "think",
        "system_fingerprint": "fp_ollama",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Yes.", "reasoning": "Hmm."},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 8, "total_tokens": 9},
    }


async def test_chunks(site: Site) -> None:
    site.loads.script[:] = THOUGHT
    options = {"stream_options": {"include_usage": True}}
    *chunks, end = await events(site, CHAT, model="think", messages=USER, **options)
    assert end == "[DONE]"
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert len({chunk["created"] for chunk in chunks}) == 1
    *chunks, usage = chunks
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 1, "completion_tokens": 8, "total_tokens": 9}
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [choice["delta"] for choice in choices] == [
        {"role": "assistant", "content": "", "reasoning": "Hm"},
        {"content": "", "reasoning": "m."},
        {"content": "Yes"},
        {"content": "."},
        {},
    ]
    assert [choice["finish_reason"] for choice in choices] == [None] * 4 + ["stop"]
    assert not any("usage" in chunk for chunk in chunks)


async def test_calls(site: Site) -> None:
    site.loads.script[:] = CALL
    answer = await whole(site, CHAT, model="think", messages=USER, tools=[TOOL])
    [choice] = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "Let me see. "
    [call] = choice["message"]["tool_calls"]
    assert call["id"].startswith("call_")
    assert call | {"id": ""} == {
        "id": "",
        "index": 0,
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
    }
    *chunks, _ = await events(site, CHAT, model="think", messages=USER, tools=[TOOL])
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert [set(delta) for delta in deltas] == [
        {"role", "content"},
        {"content", "tool_calls"},
        set(),
    ]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_logprobs(site: Site) -> None:
    wanted = {"model": "raw", "messages": USER, "max_tokens": 1, "logprobs": True}
    await whole(site, CHAT, **wanted, top_logprobs=3)
    assert site.loads.engines[0].requests[-1][1]["logprobs"] == 3
    await whole(site, CHAT, model="raw", messages=USER, max_tokens=1, top_logprobs=3)
    assert "logprobs" not in site.loads.engines[0].requests[-1][1]
    await whole(site, "/v1/completions", model="raw", prompt="x", max_tokens=1, logprobs=3)
    assert "logprobs" not in site.loads.engines[0].requests[-1][1]


async def test_a_completion(site: Site) -> None:
    answer = await whole(site, "/v1/completions", model="raw", prompt="x", max_tokens=2)
    assert answer["choices"] == [{"text": " t0 t1", "index": 0, "finish_reason": "length"}]
    assert answer["object"] == "text_completion"
    assert answer["id"].startswith("cmpl-")
    *chunks, end = await events(
        site,
        "/v1/completions",
        model="raw",
        prompt="x",
        max_tokens=2,
        stream_options={"include_usage": True},
    )
    assert end == "[DONE]"
    assert [[each["text"] for each in chunk["choices"]] for chunk in chunks] == [
        [" t0"],
        [" t1"],
        [""],
        [],
    ]
    assert [chunk["usage"]["total_tokens"] for chunk in chunks] == [0, 0, 0, 3]


async def test_nothing_to_say(site: Site) -> None:
    parts = [{"role": "user", "content": []}]
    answer = await whole(site, CHAT, model="raw", messages=parts)
    assert answer["choices"][0]["finish_reason"] == "load"
    *chunks, _ = await events(site, CHAT, model="raw", messages=parts)
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {},
    ]
    answer = await whole(site, "/v1/completions", model="raw", prompt="")
    assert answer["choices"][0]["finish_reason"] == "load"
    *_, last = await events(site, "/v1/responses", model="raw", input="")
    assert last["response"]["output"] is None
    answer = await whole(site, "/v1/responses", model="raw", input="")
    assert answer["output"][0]["content"][0]["text"] == ""


async def test_a_response(site: Site) -> None:
    site.loads.script[:] = THOUGHT
    answer = await whole(
        site, "/v1/responses", model="think", input="hi", reasoning={"effort": "high"}
    )
    assert [item["type"] for item in answer["output"]] == ["reasoning", "message"]
    assert answer["output"][0]["summary"] == [{"type": "summary_text", "text": "Hmm."}]
    assert answer["output"][1]["content"][0]["text"] == "Yes."
    assert answer["reasoning"] == {"effort": "high"}
    assert answer["usage"]["total_tokens"] == 9
    assert answer["status"] == "completed"


async def test_events_of_a_response(site: Site) -> None:
    site.loads.script[:] = ["<think>", "Hm.", "</think>", "Yes", ".", *CALL[1:]]
    found = await events(site, "/v1/responses", model="think", input="hi", tools=[RESPONSES_TOOL])
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    kinds = [event["type"].removeprefix("response.") for event in found]
    added, done = "output_item.added", "output_item.done"
    assert kinds == [
        *("created", "in_progress"),
        *(added, "reasoning_summary_text.delta", "reasoning_summary_text.done", done),
        *(added, "content_part.added", "output_text.delta", "output_text.delta"),
        *("output_text.done", "content_part.done", done),
        *(added, "function_call_arguments.delta", "function_call_arguments.done", done),
        "completed",
    ]
    places = [event["output_index"] for event in found if event["type"].endswith(added)]
    assert places == [0, 1, 2]
    output = found[-1]["response"]["output"]
    assert output == [event["item"] for event in found if event["type"].endswith(done)]
    assert output[1]["content"][0]["text"] == "Yes."
    assert output[2]["arguments"] == '{"city":"Paris"}'


async def test_the_names_of_events(site: Site) -> None:
    body = {"model": "raw", "input": "x", "stream": True}
    answer = await site.ask("POST", "/v1/responses", body)
    assert answer.headers["Cache-Control"] == "no-cache"
    for block in answer.text.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        assert name == "event: " + json.loads(data.removeprefix("data: "))["type"]


async def test_errors_before_a_model_is_looked_for(site: Site) -> None:
    charset = "; charset=utf-8"
    kind = "invalid_request_error"
    for path in (CHAT, "/v1/completions", "/v1/responses"):
        answer = await site.ask("POST", path, b"")
        assert answer.json()["error"]["message"] == "EOF"
    too_short = (400, charset, kind, "[] is too short - 'messages'")
    assert await refused(site, CHAT, model="absent") == too_short
    status, content_type, kind, _ = await refused(site, CHAT, model=5)
    assert (status, content_type, kind) == (400, charset, "invalid_request_error")


async def test_errors_of_the_model(site: Site) -> None:
    not_found = (404, "", "not_found_error", "model 'absent' not found")
    assert await refused(site, CHAT, model="absent", messages=USER) == not_found
    assert await refused(site, CHAT, model="absent", messages=USER, stream=True) == not_found
    assert await refused(site, "/v1/responses", model="absent", input="x", stream=True) == not_found
    required = (400, "", "invalid_request_error", "model is required")
    assert await refused(site, CHAT, messages=USER) == required
    error = await refused(site, CHAT, model="raw", messages=USER, logprobs=True, top_logprobs=21)
    assert error[3] == "top_logprobs must be between 0 and 20"
    error = await refused(site, "/v1/completions", model="raw", prompt="x", logprobs=21)
    assert error[3] == "top_logprobs must be between 0 and 20"


async def test_models_in_the_cloud(site: Site) -> None:
    answer = await site.ask("POST", CHAT, {"model": "raw:cloud", "messages": USER})
    assert answer.status_code == 403
    assert answer.json() == {"error": "ollama cloud is disabled: remote model is unavailable"}
    answer = await site.ask("GET", "/v1/models/raw:cloud")
    assert answer.json()["error"].endswith("remote model details are unavailable")


async def test_models(site: Site) -> None:
    answer = (await site.ask("GET", "/v1/models")).json()
    assert answer["object"] == "list"
    ids = {model["id"] for model in answer["data"]}
    assert {"raw:latest", "chat:latest"} <= ids
    one = (await site.ask("GET", "/v1/models/RAW")).json()
    assert one["id"] == "RAW"
    assert one["owned_by"] == "library"
    assert one["created"] > 1_700_000_000
    absent = await site.ask("GET", "/v1/models/absent")
    assert absent.status_code == 404
    assert absent.json()["error"]["message"] == "model 'absent:latest' not found"
    bad = await site.ask("GET", "/v1/models/a%20b")
    assert (bad.status_code, bad.json()["error"]["message"]) == (400, "invalid model name")


def _is_busy(site: Site) -> bool:
    return bool(site.loads.engines) and site.loads.engines[-1].active() > 0


async def test_an_engine_that_breaks_in_a_stream(site: Site) -> None:
    site.loads.step = 0.05
    for path in (CHAT, "/v1/completions"):
        wanted = {"model": "raw", "messages": USER, "prompt": "x", "max_tokens": 100}
        found = await broken(site, path, **wanted)
        assert found[-1]["error"]["type"] == "api_error"
        assert found[-1]["error"]["message"]
    found = await broken(site, "/v1/responses", model="raw", input="x")
    assert found[-1]["type"] == "response.failed"
    assert found[-1]["response"]["status"] == "failed"
    assert found[-1]["sequence_number"] == len(found) - 1


async def broken(site: Site, path: str, **body: Any) -> list[Any]:
    """The events of a stream whose engine breaks after the first one."""
    found = []
    async with site.http.stream("POST", path, json={"stream": True, **body}) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
                site.loads.engines[-1].broken = True
    return found


async def test_a_client_that_leaves_ends_the_work(site: Site) -> None:
    site.loads.step = 0.02
    body = {"model": "raw", "messages": USER, "max_tokens": 100_000, "stream": True}
    async with site.http.stream("POST", CHAT, json=body) as answer:
        async for _ in answer.aiter_lines():
            break
    with trio.fail_after(5):
        while _is_busy(site):  # noqa: ASYNC110 - nothing tells when it is
            await trio.sleep(0.01)


async def test_zstd(site: Site) -> None:
    body = json.dumps({"model": "raw", "messages": USER, "max_tokens": 1}).encode()
    answer = await site.ask("POST", CHAT, zstandard.compress(body), **{"Content-Encoding": "zstd"})
    assert answer.json()["choices"][0]["message"]["content"] == " t0"
    answer = await site.ask("POST", CHAT, body, **{"Content-Encoding": "zstd"})
    assert answer.status_code == 400
    assert "zstd" in answer.json()["error"]["message"]
    bomb = zstandard.compress(bytes(64 << 20))
    answer = await site.ask("POST", CHAT, bomb, **{"Content-Encoding": "zstd"})
    assert answer.status_code == 413
    assert answer.json()["error"]["message"] == "request body too large"


async def test_the_prompt_instead(site: Site) -> None:
    answer = await whole(site, CHAT, model="jinja", messages=USER, _debug_render_only=True)
    assert answer["_debug_info"] == {"rendered_template": "user:hi;"}
    assert answer["choices"][0]["finish_reason"] is None
    answer = await whole(site, "/v1/completions", model="raw", prompt="x", _debug_render_only=True)
    assert answer["choices"] == [{"text": "", "index": 0, "finish_reason": None}]


async def test_transcriptions(site: Site) -> None:
    path = "/v1/audio/transcriptions"
    answer = await site.ask("POST", path, {})
    assert answer.status_code == 400
    assert "isn't multipart/form-data" in answer.json()["error"]["message"]
    sound = {"file": ("a.wav", b"RIFF")}
    for data, files, text in (
        ({}, sound, "model is required"),
        ({"model": "raw"}, {"other": ("a", b"x")}, "file is required: http: no such file"),
        ({"model": "raw"}, {"file": ("a.wav", b"")}, "audio file is empty"),
        ({"model": "raw", "language": "de"}, sound, "this model does not support images"),
    ):
        answer = await site.http.post(path, data=data, files=files)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == text
