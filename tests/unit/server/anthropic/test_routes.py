"""`/v1/messages` and `/v1/messages/count_tokens` over HTTP, without a model."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import httpx
import pytest
import zstandard

from tests.unit.server.anthropic.test_call import WEATHER
from tests.unit.server.conftest import Site
from tests.unit.server.test_chat import CALL, THOUGHT

pytestmark = pytest.mark.trio
USER = [{"role": "user", "content": "hi"}]


async def ask(site: Site, path: str = "/v1/messages", **fields: Any) -> httpx.Response:
    body = {"model": "chat", "max_tokens": 3, "messages": USER, **fields}
    return await site.ask("POST", path, body)


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    blocks = [block.split("\n") for block in answer.text.split("\n\n") if block]
    found = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
    assert [name.removeprefix("event: ") for name, _ in blocks] == [each["type"] for each in found]
    return found


def error(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert set(body) == {"type", "error", "request_id"}
    assert re.fullmatch("req_[0-9a-f]{24}", body["request_id"])
    return answer.status_code, body["error"]["type"], body["error"]["message"]


async def test_a_message_whole_and_streamed(site: Site) -> None:
    answer = await ask(site)
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert re.fullmatch("msg_[0-9a-f]{24}", body.pop("id"))
    assert body == {
        "type": "message",
        "role": "assistant",
        "model": "chat",
        "content": [{"type": "text", "text": " t0 t1 t2"}],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 1, "output_tokens": 3},
    }
    sent = events(await ask(site, stream=True))
    text = [each["delta"]["text"] for each in sent if each["type"] == "content_block_delta"]
    assert "".join(text) == " t0 t1 t2"
    assert sent[-2]["delta"] == {"stop_reason": "max_tokens"}


async def test_thinking_and_tools(site: Site) -> None:
    site.loads.script[:] = THOUGHT
    body = (await ask(site, model="think", max_tokens=20)).json()
    assert body["content"] == [
        {"type": "thinking", "thinking": "Hmm."},
        {"type": "text", "text": "Yes."},
    ]
    site.loads.script[:] = CALL
    body = (await ask(site, model="think", max_tokens=20, tools=[WEATHER])).json()
    assert [block["type"] for block in body["content"]] == ["text", "tool_use"]
    assert body["content"][1]["input"] == {"city": "Paris"}
    assert body["stop_reason"] == "tool_use"


async def test_a_model_that_cannot_think_does_not(site: Site) -> None:
    answer = await ask(site, thinking={"type": "enabled", "budget_tokens": 1024})
    assert answer.status_code == 200
    refused = await site.ask(
        "POST", "/api/chat", {"model": "chat", "messages": USER, "think": True}
    )
    assert refused.status_code == 400


async def test_errors_have_their_envelope(site: Site) -> None:
    invalid, absent = "invalid_request_error", "not_found_error"
    answer = await ask(site, model="absent", stream=True)
    assert error(answer) == (404, absent, "model 'absent' not found")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"
    answer = await ask(site, max_tokens=0)
    assert error(answer) == (400, invalid, "max_tokens is required and must be positive")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert error(await site.ask("POST", "/v1/messages", b"")) == (400, invalid, "EOF")
    tools = await ask(site, tools=[WEATHER])
    message = "registry.ollama.ai/library/chat:latest does not support tools"
    assert error(tools) == (400, invalid, message)
    cloud = await ask(site, model="chat:cloud")
    assert cloud.status_code == 403
    assert cloud.json() == {"error": "ollama cloud is disabled: remote model is unavailable"}


async def test_nothing_to_say_loads_the_model(site: Site) -> None:
    body = (await ask(site, messages=[{"role": "user", "content": []}])).json()
    assert body["content"] is None
    assert body["stop_reason"] == "stop_sequence"
    assert site.loads.alive == 1
    assert await count(site, messages=[{"role": "user", "content": []}]) == 0


async def count(site: Site, **fields: Any) -> int:
    answer = await ask(site, "/v1/messages/count_tokens", max_tokens=0, **fields)
    assert answer.status_code == 200, answer.content
    assert list(answer.json()) == ["input_tokens"]
    return int(answer.json()["input_tokens"])


async def test_tokens_are_those_of_the_prompt(site: Site) -> None:
    assert await count(site) == len("U[hi]A[")
    assert await count(site, system="Be.") == len("S[Be.]U[hi]A[")
    assert await count(site, model="full") == len("S[Be brief.]U[q]A[a]U[hi]A[")
    plain = await count(site, model="think")
    assert await count(site, model="think", tools=[WEATHER]) > plain + 50
    long = [{"role": "user", "content": "x" * 9000}, *USER]
    assert await count(site, model="full", messages=long) > 9000
    assert not any(engine.requests for engine in site.loads.engines), "nothing was generated"
    answer = await ask(site, "/v1/messages/count_tokens", model="")
    assert error(answer) == (400, "invalid_request_error", "model is required")


async def test_bodies_may_be_compressed_with_zstd(site: Site) -> None:
    body = json.dumps({"model": "chat", "max_tokens": 3, "messages": USER}).encode()
    path, encoding = "/v1/messages", {"Content-Encoding": "zstd"}
    answer = await site.ask("POST", path, zstandard.compress(body), **encoding)
    assert answer.json()["stop_reason"] == "max_tokens"
    status, kind, message = error(await site.ask("POST", path, body, **encoding))
    assert (status, kind) == (400, "invalid_request_error")
    assert "zstd" in message
    other = await site.ask("POST", path, gzip.compress(body), **{"Content-Encoding": "gzip"})
    assert other.status_code == 400
