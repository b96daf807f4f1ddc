"""`/api/embed`, `/api/embeddings` and `/v1/rerank`: checks in their order, forms of the answers.

An embedding of the engine without a model is the number of a text's bytes and the first of them; a
relevance is the last byte of a document.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.tiny_bert import tiny_bert
from tests.unit.server.conftest import Site, upload

pytestmark = pytest.mark.trio


@pytest.fixture
async def bert(site: Site, tmp_path: Path) -> Site:
    gguf = trio.Path(tiny_bert(tmp_path / "bert.gguf"))
    await site.post("/api/create", model="bert", files=await upload(site, await gguf.read_bytes()))
    return site


async def test_vectors_of_length_one(bert: Site) -> None:
    answer = await bert.post("/api/embed", model="bert", input=["\x03..", "\x01"])
    assert list(answer) == [
        "model",
        "embeddings",
        "total_duration",
        "load_duration",
        "prompt_eval_count",
    ]
    assert answer["embeddings"] == [pytest.approx([0.5**0.5] * 2), pytest.approx([0.5**0.5] * 2)]
    assert answer["prompt_eval_count"] == 4
    assert await bert.post("/api/embeddings", model="bert", prompt="\x03..") == {
        "embedding": pytest.approx([0.5**0.5] * 2)
    }


async def test_dimensions(bert: Site) -> None:
    for dimensions, wanted in [(1, [1.0]), (0, [0.6, 0.8]), (9, [0.6, 0.8]), (-1, [0.6, 0.8])]:
        answer = await bert.post("/api/embed", model="bert", input="\x04..", dimensions=dimensions)
        assert answer["embeddings"] == [pytest.approx(wanted)]


@pytest.mark.parametrize("value", ["", [], None])
async def test_no_text_loads_the_model(bert: Site, value: object) -> None:
    answer = await bert.post("/api/embed", model="bert", input=value)
    assert answer == {"model": "bert", "embeddings": []}
    assert len(bert.runtime.models()) == 1
    assert await bert.post("/api/embeddings", model="bert") == {"embedding": []}


async def test_keep_alive(bert: Site) -> None:
    await bert.post("/api/embed", model="bert", input="a", keep_alive=0)
    with trio.fail_after(2):
        while bert.runtime.models():  # noqa: ASYNC110 - nothing tells the end
            await trio.sleep(0.01)
    await bert.post("/api/embed", model="bert", input="a", keep_alive="1h")
    assert [loaded.model.name.model for loaded in bert.runtime.models()] == ["bert"]


async def test_checks(bert: Site) -> None:
    assert await bert.error("/api/embed", model="none", input=5) == (400, "invalid input type")
    assert await bert.error("/api/embed", model="none", input="a") == (
        404,
        'model "none" not found, try pulling it first',
    )
    assert await bert.error("/api/embed", input="a") == (404, "model '' not found")
    assert await bert.error("/api/embeddings", prompt="a") == (400, "model is required")
    assert (await bert.error("/api/embeddings", model="BERT", prompt="a"))[0] == 404
    assert await bert.error("/api/embed", model="raw", input="a") == (
        501,
        "this model does not support embeddings",
    )
    assert (await bert.error("/api/embeddings", model="raw", prompt="a"))[0] == 500


async def test_a_text_that_is_too_long(bert: Site) -> None:
    long = "a" * 100
    too_long = "the input length exceeds the context length"
    assert await bert.error("/api/embed", model="bert", input=long, truncate=False) == (
        400,
        too_long,
    )
    assert await bert.error("/api/embeddings", model="bert", prompt=long) == (500, too_long)
    answer = await bert.post("/api/embed", model="bert", input=long)
    assert answer["prompt_eval_count"] == 48


async def test_a_client_that_leaves_ends_the_work(bert: Site) -> None:
    bert.loads.step = 0.4
    with trio.move_on_after(0.2):
        await bert.ask("POST", "/api/embed", {"model": "bert", "input": "a"})
    with trio.fail_after(2):
        while any(loaded.active for loaded in bert.runtime.models()):  # noqa: ASYNC110
            await trio.sleep(0.01)
    assert bert.loads.engines[-1].cancelled


@pytest.mark.parametrize("path", ["/v1/rerank", "/api/rerank"])
async def test_the_best_come_first(bert: Site, path: str) -> None:
    documents = ["1", "3", {"text": "2"}]
    answer = await bert.post(path, model="bert", query="q", documents=documents)
    assert answer == {
        "model": "bert",
        "object": "list",
        "results": [
            {"index": 1, "relevance_score": ord("3")},
            {"index": 2, "relevance_score": ord("2")},
            {"index": 0, "relevance_score": ord("1")},
        ],
        "usage": {"prompt_tokens": 6, "total_tokens": 6},
    }
    answer = await bert.post(
        path, model="bert", query="q", documents=documents, top_n=1, return_documents=True
    )
    assert answer["results"] == [
        {"index": 1, "relevance_score": ord("3"), "document": {"text": "3"}}
    ]


async def test_checks_of_rerank(bert: Site) -> None:
    checks: list[tuple[dict[str, Any], str]] = [
        ({}, "query is required"),
        ({"query": "q"}, "documents is required"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, "top_n must be at least 1"),
        (
            {"query": "q", "documents": ["a", 1]},
            'documents[1] must be a string or an object with a string "text"',
        ),
    ]
    for body, message in checks:
        answer = await bert.ask("POST", "/v1/rerank", {"model": "bert", **body})
        assert (answer.status_code, json.loads(answer.content)["error"]) == (400, message)
    bert.loads.labels = 0
    body = {"model": "raw", "query": "q", "documents": ["a"]}
    answer = await bert.ask("POST", "/api/rerank", body)
    assert answer.status_code == 400
    assert answer.json() == {"error": '"raw" does not support reranking'}
