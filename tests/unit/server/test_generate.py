"""`/api/generate` and `/api/chat`: checks in their order, prompts, options, chunks."""

from __future__ import annotations

import re

import pytest
import trio

from ollamars.durations import MINUTE
from tests.unit.server.conftest import Site

pytestmark = pytest.mark.trio
TEXT = "".join(f" t{number}" for number in range(5))
USER = [{"role": "user", "content": "hi"}]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


async def test_one_object(site: Site) -> None:
    answer = await site.post("/api/generate", model="raw", prompt="ab", options={"num_predict": 5})
    assert list(answer) == [
        "model",
        "created_at",
        "response",
        "done",
        "done_reason",
        "context",
        "total_duration",
        "load_duration",
        "prompt_eval_count",
        "prompt_eval_duration",
        "eval_count",
        "eval_duration",
    ]
    assert answer["response"] == TEXT
    assert answer["done_reason"] == "length"
    assert answer["context"] == list(("ab" + TEXT).encode())
    assert answer["eval_count"] == 5
    assert TIME.fullmatch(answer["created_at"])
    assert answer["total_duration"] >= answer["load_duration"] > 0


async def test_a_stream(site: Site) -> None:
    chunks = await site.stream(
        "/api/generate", model="raw", prompt="ab", options={"num_predict": 5}
    )
    assert "".join(chunk["response"] for chunk in chunks) == TEXT
    assert [chunk["done"] for chunk in chunks] == [False] * 5 + [True]
    assert set(chunks[0]) == {"model", "created_at", "response", "done"}
    assert chunks[-1]["response"] == ""
    chunks = await site.stream("/api/chat", model="chat", messages=USER, options={"num_predict": 5})
    assert "".join(chunk["message"]["content"] for chunk in chunks) == TEXT
    assert chunks[-1]["message"] == {"role": "assistant", "content": ""}
    assert "context" not in chunks[-1]


async def test_raw_has_no_context_and_no_template(site: Site) -> None:
    answer = await site.post(
        "/api/generate", model="chat", prompt="ab", raw=True, options={"num_predict": 1}
    )
    assert "context" not in answer
    assert site.loads.engines[0].requests[-1][0] == [97, 98]


async def test_load_and_unload(site: Site) -> None:
    for path, silent in (
        ("/api/generate", {"response": ""}),
        ("/api/chat", {"message": {"role": "assistant", "content": ""}}),
    ):
        answer = await site.post(path, model="chat", keep_alive="7m")
        answer.pop("created_at")
        assert answer == {"model": "chat", **silent, "done": True, "done_reason": "load"}
        assert [loaded.keep_alive for loaded in site.runtime.models()] == [7 * MINUTE]
        answer = await site.ask("POST", path, {"model": "chat", "keep_alive": 0})
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.json()["done_reason"] == "unload"
        assert site.runtime.models() == []


async def test_ps(site: Site) -> None:
    assert (await site.ask("GET", "/api/ps")).json() == {"models": []}
    await site.post("/api/generate", model="full")
    [model] = (await site.ask("GET", "/api/ps")).json()["models"]
    assert model["name"] == model["model"] == "full:latest"
    assert model["context_length"] == 64
    assert model["size"] == 1000
    assert model["size_vram"] == 0
    assert re.fullmatch("[0-9a-f]{64}", model["digest"])
    assert model["details"]["family"] == "llama"
    assert (await site.ask("HEAD", "/api/ps")).status_code == 405


@pytest.mark.parametrize("path", ["/api/generate", "/api/chat"])
async def test_names(site: Site, path: str) -> None:
    unnamed = {
        "/api/generate": (404, "model '' not found"),
        "/api/chat": (400, "model is required"),
    }
    assert await site.error(path) == unnamed[path]
    assert await site.error(path, model="a b") == (400, "invalid model name")
    assert await site.error(path, model="absent") == (404, "model 'absent' not found")
    assert await site.error(path, model="raw:cloud") == (
        403,
        "ollama cloud is disabled: remote model is unavailable",
    )
    assert await site.error(path, model="raw:cloud:local") == (
        400,
        'use either :local or :cloud, not both: "raw:cloud:local"',
    )
    answer = await site.post(path, model=" RAW:local ")
    assert answer["model"] == " RAW:local "


async def test_the_order_of_checks(site: Site) -> None:
    error = site.error
    assert await error("/api/generate", top_logprobs=21, model="absent") == (
        400,
        "top_logprobs must be between 0 and 20",
    )
    assert await error(
        "/api/generate", model="raw", prompt="x", raw=True, system="s", think=True
    ) == (
        400,
        "raw mode does not support template, system, or context",
    )
    assert await error("/api/generate", model="raw", think=True, suffix="x", prompt="x") == (
        400,
        '"raw" does not support thinking',
    )
    assert await error(
        "/api/generate", model="raw", suffix="x", prompt="x", options={"seed": "x"}
    ) == (
        400,
        "registry.ollama.ai/library/raw:latest does not support insert",
    )
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert await error("/api/chat", model="chat", messages=USER, tools=tools) == (
        400,
        "registry.ollama.ai/library/chat:latest does not support tools",
    )
    assert await error("/api/generate", model="raw", options={"seed": "x"}) == (
        500,
        'option "seed" must be of type integer',
    )
    assert await error("/api/generate", model="raw", prompt="x", template="{{ if }}") == (
        500,
        "template: :1: missing value for if",
    )
    assert await error("/api/generate", model="raw", prompt="x", format="xml") == (
        500,
        'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object',
    )


async def test_what_cannot_be_done_is_refused(site: Site) -> None:
    status, _ = await site.error("/api/generate", model="raw", prompt="x", images=["AAAA"])
    assert status == 400


async def test_prompts(site: Site) -> None:
    assert await site.prompt("/api/generate", model="raw", prompt="p") == "p"
    assert await site.prompt("/api/generate", model="chat", prompt="p", system="s") == "S[s]U[p]A["
    assert await site.prompt("/api/generate", model="full", prompt="p") == (
        "S[Be brief.]U[q]A[a]U[p]A["
    )
    assert await site.prompt("/api/generate", model="full", prompt="p", context=[]) == (
        "S[Be brief.]U[p]A["
    )
    assert await site.prompt("/api/generate", model="chat", prompt="p", context=[65, 66]) == (
        "ABU[p]A["
    )
    assert await site.prompt(
        "/api/generate", model="chat", prompt="p", template="<{{ .Prompt }}>"
    ) == ("<p>")
    assert await site.prompt("/api/chat", model="full", messages=USER) == (
        "S[Be brief.]U[q]A[a]U[hi]A["
    )
    mine = [{"role": "SYSTEM", "content": "mine"}, *USER]
    assert await site.prompt("/api/chat", model="full", messages=mine) == "U[q]A[a]S[mine]U[hi]A["
    begun = [*USER, {"role": "assistant", "content": "I"}]
    assert await site.prompt("/api/chat", model="chat", messages=begun) == "U[hi]A[I"


async def test_a_context_of_foreign_tokens(site: Site) -> None:
    for token in (-1, 256):
        status, text = await site.error("/api/generate", model="raw", prompt="x", context=[token])
        assert status == 500
        assert str(token) in text


async def test_what_the_engine_is_told(site: Site) -> None:
    await site.post(
        "/api/generate",
        model="full",
        prompt="x",
        options={"temperature": 0, "stop": ["A", ""], "top_k": 3.9, "unknown": 1},
    )
    _, options = site.loads.engines[0].requests[-1]
    assert options["num_predict"] == 3
    assert options["temperature"] == 0
    assert options["top_k"] == 3
    assert options["stop"] == ["A", ""]
    assert options["shift"] is True
    assert options["repeat_penalty"] == 1
    await site.post(
        "/api/generate", model="full", prompt="x", shift=False, options={"num_predict": 0}
    )
    _, options = site.loads.engines[1].requests[-1]
    assert options["num_predict"] == 640
    assert options["stop"] == ["END"]
    assert options["shift"] is False
    assert site.loads.settings[0] == {
        "num_ctx": 64,
        "parallel": 2,
        "num_batch": 512,
        "threads": 0,
        "exec": "",
    }


async def test_a_prompt_without_tokens(site: Site) -> None:
    answer = await site.post(
        "/api/generate", model="raw", prompt="x", template="{{ if .X }}{{ end }}"
    )
    assert answer["response"] == ""
    assert answer["done_reason"] == "stop"
    assert not {"context", "prompt_eval_count", "eval_count"} & set(answer)


async def test_an_error_before_the_first_chunk_has_its_status(site: Site) -> None:
    answer = await site.ask(
        "POST", "/api/generate", {"model": "full", "prompt": "x" * 100, "truncate": False}
    )
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"


async def test_a_later_error_is_the_last_line(site: Site) -> None:
    site.loads.step = 0.02

    async def break_engine() -> None:
        await trio.sleep(0.1)
        site.loads.engines[0].broken = True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(break_engine)
        chunks = await site.stream(
            "/api/generate", model="raw", prompt="x", options={"num_predict": 10**6}
        )
    assert len(chunks) > 2
    assert set(chunks[-1]) == {"error"}


async def test_a_client_that_leaves_frees_the_engine(site: Site) -> None:
    site.loads.step = 0.01
    body = {"model": "raw", "prompt": "x", "options": {"num_predict": 10**6}}
    for stream in (True, False):
        with trio.move_on_after(0.3):
            await site.ask("POST", "/api/generate", {**body, "stream": stream})
        with trio.fail_after(2):
            while site.loads.engines[0].active():  # noqa: ASYNC110 - nothing tells when it is
                await trio.sleep(0.01)
        assert [loaded.active for loaded in site.runtime.models()] == [0]
