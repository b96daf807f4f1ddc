"""The routes of model management, in process and without an engine."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import trio

from ollamars.config import Config
from ollamars.runtime.runtime import Runtime
from ollamars.server.app import create_app
from ollamars.server.context import Context
from ollamars.server.serving import Server
from ollamars.server.transfers import LazyTransfers
from ollamars.store.store import Store
from tests.tiny_gguf import successor_model

JINJA = "{% for m in messages %}{{ m.content }}{% endfor %}{% if tools %}{{ tools }}{% endif %}"
CHATML_JINJA = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
NO_RUNTIME = cast(Runtime, None)


class Client:
    """Requests to a server, and what it answered."""

    def __init__(self, http: httpx.AsyncClient, store: Store) -> None:
        self._http = http
        self.store = store

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, str | None, bytes]:
        """Status, content type and body; `body` is sent as JSON unless it is bytes."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        answer = await self._http.request(method, path, content=data, headers=headers)
        return answer.status_code, answer.headers.get("Content-Type"), answer.content

    async def json(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of an answer with status 200."""
        status, _, data = await self.ask(method, path, body, **headers)
        assert status == 200, data
        return json.loads(data) if data else None

    async def error(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and text of an error."""
        status, _, data = await self.ask(method, path, body)
        return status, json.loads(data)["error"]

    async def upload(self, data: bytes) -> str:
        """Upload a blob; its digest."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        status, _, _ = await self.ask("POST", f"/api/blobs/{digest}", data)
        assert status in (200, 201)
        return digest

    async def create(self, name: str, **fields: Any) -> list[dict[str, str]]:
        """The lines of a streamed create."""
        _, _, data = await self.ask("POST", "/api/create", {"model": name, **fields})
        return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    store = Store(tmp_path / "models")
    store.start(prune=False)
    config = Config.from_env({"HOME": str(tmp_path), "OLLAMA_NO_CLOUD": "1"})
    listener = socket.create_server(("127.0.0.1", 0))
    async with trio.open_nursery() as nursery:
        transfers = LazyTransfers(store, nursery, home=config.home)
        context = Context(config, store, NO_RUNTIME, nursery, transfers, "0.0.0")
        nursery.start_soon(Server(create_app(context)).serve, [listener])
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=base_url, trust_env=False) as http:
            yield Client(http, store)
        nursery.cancel_scope.cancel()


@pytest.fixture
async def model(client: Client, tiny_gguf: Path) -> Client:
    """A store with the model `m`."""
    digest = await client.upload(await trio.Path(tiny_gguf).read_bytes())
    lines = await client.create(
        "m",
        files={"m.gguf": digest},
        template="{{ .Prompt }}{{ .Suffix }}",
        system="Be brief.",
        license=["MIT", "more"],
        parameters={"stop": ["<|im_end|>"], "temperature": 0.5, "num_ctx": 4096},
        messages=[{"role": "user", "content": "hi", "thinking": "t"}],
    )
    assert lines[0] == {"status": "parsing GGUF"}
    assert lines[-1] == {"status": "success"}
    return client


async def test_tags(model: Client) -> None:
    [row] = (await model.json("GET", "/api/tags"))["models"]
    assert list(row) == [
        "name",
        "model",
        "modified_at",
        "size",
        "digest",
        "details",
        "capabilities",
    ]
    assert row["name"] == row["model"] == "m:latest"
    assert len(row["digest"]) == 64
    assert row["details"]["family"] == "llama"
    assert row["details"]["context_length"] == 512
    assert row["capabilities"] == ["completion", "insert"]
    status, kind, data = await model.ask("HEAD", "/api/tags")
    assert (status, kind, data) == (200, "application/json; charset=utf-8", b"")


async def test_show(model: Client) -> None:
    shown = await model.json("POST", "/api/show", {"name": "M"})
    assert list(shown) == [
        "license",
        "modelfile",
        "parameters",
        "template",
        "system",
        "details",
        "messages",
        "model_info",
        "tensors",
        "capabilities",
        "modified_at",
    ]
    assert shown["license"] == "MIT\nmore"
    assert shown["parameters"].splitlines() == [
        "num_ctx                        4096",
        'stop                           "<|im_end|>"',
        "temperature                    0.5",
    ]
    assert shown["messages"] == [{"role": "user", "content": "hi"}]
    assert shown["details"]["quantization_level"] == "unknown"
    assert shown["details"]["parameter_size"] == shown["details"]["parameter_size"].strip()
    info = shown["model_info"]
    assert list(info) == sorted(info)
    assert info["llama.attention.layer_norm_rms_epsilon"] == 1e-05
    assert info["tokenizer.ggml.tokens"] is None
    assert "general.name" not in info
    first = shown["tensors"][0]
    assert (first["name"], first["type"], first["shape"][0]) == ("output.weight", "F32", 128)
    lines = shown["modelfile"].splitlines()
    assert lines[2] == "# FROM m:latest"
    assert lines[4] == f"FROM {model.store.root}/blobs/" + lines[4].rpartition("/")[2]
    assert lines[5:] == [
        "TEMPLATE {{ .Prompt }}{{ .Suffix }}",
        "SYSTEM Be brief.",
        "PARAMETER num_ctx 4096",
        "PARAMETER stop <|im_end|>",
        "PARAMETER temperature 0.5",
        "LICENSE MIT",
        "LICENSE more",
        "MESSAGE user hi",
    ]


async def test_show_what_the_request_says(model: Client) -> None:
    asked = {"model": "m", "system": "Other.", "options": {"top_k": 1, "seed": 1000000}}
    shown = await model.json("POST", "/api/show", asked)
    assert "SYSTEM Other.\n" in shown["modelfile"]
    assert "PARAMETER top_k 1\n" in shown["modelfile"]
    assert "PARAMETER seed 1e+06\n" in shown["modelfile"]
    assert "top_k" not in shown["parameters"]
    verbose = await model.json("POST", "/api/show", {"model": "m", "verbose": True})
    tokens = verbose["model_info"]["tokenizer.ggml.tokens"]
    assert len(tokens) == verbose["tensors"][0]["shape"][1]
    agent = {"User-Agent": "GitHubCopilotChat/1"}
    shown = await model.json("POST", "/api/show", {"model": "m"}, **agent)
    assert shown["model_info"]["general.basename"] == "m"
    shown = await model.json("POST", "/api/show", {"model": "m"})
    assert "general.basename" not in shown["model_info"]


async def test_show_follows_a_new_manifest(model: Client) -> None:
    await model.json("POST", "/api/show", {"model": "m"})
    await model.create("m", **{"from": "m", "system": "New."})
    assert (await model.json("POST", "/api/show", {"model": "m"}))["system"] == "New."
    [row] = (await model.json("GET", "/api/tags"))["models"]
    assert row["details"]["parent_model"] == "m:latest"


async def test_the_jinja_text_is_shown_when_it_is_used(client: Client, tmp_path: Path) -> None:
    path = successor_model(tmp_path / "j.gguf", chat_template=JINJA)
    await client.create(
        "j", files={"j.gguf": await client.upload(await trio.Path(path).read_bytes())}
    )
    shown = await client.json("POST", "/api/show", {"model": "j"})
    assert shown["template"] == JINJA
    assert shown["capabilities"] == ["tools", "completion"]
    assert "TEMPLATE {{ .Prompt }}\n" in shown["modelfile"]
    assert "tokenizer.chat_template" not in shown["model_info"]


async def test_a_known_chat_template_becomes_a_go_template(client: Client, tmp_path: Path) -> None:
    path = successor_model(tmp_path / "c.gguf", chat_template=CHATML_JINJA)
    digest = await client.upload(await trio.Path(path).read_bytes())
    lines = await client.create("c", files={"c.gguf": digest})
    assert {"status": "using autodetected template chatml"} in lines
    shown = await client.json("POST", "/api/show", {"model": "c"})
    assert shown["template"].startswith("{{- range .Messages }}<|im_start|>")
    assert 'stop                           "<|im_end|>"' in shown["parameters"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("POST", "/api/show", b"", 400, "missing request body"),
        ("POST", "/api/show", {}, 400, "model is required"),
        ("POST", "/api/show", {"model": "a b"}, 400, "invalid model name"),
        ("POST", "/api/show", {"model": "nosuch"}, 404, "model 'nosuch:latest' not found"),
        (
            "POST",
            "/api/show",
            {"model": "x:cloud"},
            403,
            "ollama cloud is disabled: remote model details are unavailable",
        ),
        (
            "POST",
            "/api/show",
            {"model": "x:cloud:local"},
            400,
            'use either :local or :cloud, not both: "x:cloud:local"',
        ),
        ("DELETE", "/api/delete", {}, 400, "model is required"),
        ("DELETE", "/api/delete", {"model": "a b"}, 400, 'name "a b" is invalid'),
        ("DELETE", "/api/delete", {"model": "nosuch"}, 404, "model 'nosuch' not found"),
        ("POST", "/api/copy", {"destination": "x"}, 400, 'source "" is invalid'),
        ("POST", "/api/copy", {"source": "x"}, 400, 'destination "" is invalid'),
        (
            "POST",
            "/api/copy",
            {"source": "nosuch", "destination": "x"},
            404,
            'model "nosuch" not found',
        ),
        ("POST", "/api/create", {"model": "a b"}, 400, "invalid model name"),
        (
            "POST",
            "/api/create",
            {"model": "x", "files": {"../x": "d"}},
            400,
            "file path must be relative",
        ),
        ("POST", "/api/create", {"model": "x", "files": {"x": ""}}, 400, "invalid digest format"),
        (
            "POST",
            "/api/create",
            {"model": "x", "draft_quantize": "q8_0"},
            400,
            "--draft-quantize requires a DRAFT model",
        ),
        ("POST", "/api/blobs/sha256:x", b"x", 400, "invalid digest format"),
        (
            "POST",
            "/api/create",
            {"model": 1},
            400,
            "json: cannot unmarshal number into Go struct field CreateRequest.model of type string",
        ),
    ],
)
async def test_refused(
    client: Client, method: str, path: str, body: Any, status: int, text: str
) -> None:
    assert await client.error(method, path, body) == (status, text)


async def test_the_first_error_of_a_stream_has_a_status(client: Client) -> None:
    missing = {"model": "x", "files": {}}
    for body in (missing, {**missing, "stream": False}):
        status, kind, data = await client.ask("POST", "/api/create", body)
        assert (status, kind) == (400, "application/json")
        assert json.loads(data) == {"error": "unknown type"}


async def test_a_later_error_is_a_line(client: Client) -> None:
    digest = await client.upload(b"hello")
    body = {"model": "x", "files": {"x.gguf": digest}}
    status, kind, data = await client.ask("POST", "/api/create", body)
    assert (status, kind) == (200, "application/x-ndjson")
    assert [json.loads(line) for line in data.splitlines()] == [
        {"status": "parsing GGUF"},
        {"error": "supplied file was not in GGUF format"},
    ]
    status, kind, data = await client.ask("POST", "/api/create", {**body, "stream": False})
    assert (status, kind) == (400, "application/json")


async def test_copy_and_delete(model: Client) -> None:
    for method, path, body in (
        ("POST", "/api/copy", {"source": "M", "destination": "n/c:t"}),
        ("DELETE", "/api/delete", {"model": "m"}),
        ("DELETE", "/api/delete", {"name": "N/C:T"}),
    ):
        assert await model.ask(method, path, body) == (200, None, b"")
    assert (await model.json("GET", "/api/tags")) == {"models": []}


async def test_blobs(client: Client) -> None:
    digest = "sha256:" + hashlib.sha256(b"x").hexdigest()
    assert (await client.ask("HEAD", f"/api/blobs/{digest}"))[0] == 404
    assert await client.ask("POST", f"/api/blobs/{digest}", b"x") == (201, None, b"")
    assert await client.ask("POST", f"/api/blobs/{digest}", b"other") == (200, None, b"")
    assert (await client.ask("HEAD", f"/api/blobs/{digest}"))[0] == 200
    wrong = "sha256:" + "1" * 64
    real = "sha256:" + hashlib.sha256(b"y").hexdigest()
    status, text = await client.error("POST", f"/api/blobs/{wrong}", b"y")
    assert (status, text) == (400, f'digest mismatch, expected "{wrong}", got "{real}"')
    assert client.store.blobs.has(real)
