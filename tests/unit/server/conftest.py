"""A server in this process with an engine that has no model."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from tests.scripted_engine import Loads
from tests.tiny_gguf import successor_model

TEMPLATE = (
    "{{ if .System }}S[{{ .System }}]{{ end }}{{ if .Prompt }}U[{{ .Prompt }}]{{ end }}"
    "A[{{ .Response }}]"
)
THINKING = (
    "{{ range .Messages }}{{ .Role }}:{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}"
    "{{ .Content }};{{ if .ToolCalls }}<call>{{ range .ToolCalls }}{{ . }}{{ end }}{{ end }}"
    "{{ end }}{{ range .Tools }}{{ . }}{{ end }}"
)
JINJA = (
    "{% if tools %}{{ tools | tojson }};{% endif %}"
    "{% for m in messages %}{{ m['role'] }}:{{ m['content'] }};"
    "{% if m['tool_calls'] %}{{ m['tool_calls'][0]['function']['name'] }};{% endif %}{% endfor %}"
    "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
)


@dataclass
class Site:
    """Requests to the server, and the engines that it loaded."""

    http: httpx.AsyncClient
    loads: Loads
    runtime: Runtime
    port: int

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        return await self.http.request(method, path, content=data, headers=headers)

    async def post(self, path: str, **body: Any) -> Any:
        """The one object of an answer that is a success."""
        answer = await self.ask("POST", path, {"stream": False, **body})
        assert answer.status_code == 200, answer.content
        return answer.json()

    async def stream(self, path: str, **body: Any) -> list[dict[str, Any]]:
        answer = await self.ask("POST", path, body)
        assert answer.status_code == 200, answer.content
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer.content.splitlines()]

    async def error(self, path: str, **body: Any) -> tuple[int, str]:
        answer = await self.ask("POST", path, body)
        return answer.status_code, answer.json()["error"]

    async def prompt(self, path: str, **body: Any) -> str:
        """The prompt of a request."""
        answer = await self.post(path, _debug_render_only=True, **body)
        return str(answer["_debug_info"]["rendered_template"])


@pytest.fixture
async def site(tmp_path: Path, tiny_gguf: Path, nursery: trio.Nursery) -> AsyncIterator[Site]:
    store = Store(tmp_path)
    store.start(prune=False)
    config = Config.from_env({"OLLAMA_NO_CLOUD": "1", "OLLAMA_NUM_PARALLEL": "2"})
    loads = Loads()
    runtime = Runtime(config, load=loads)
    await nursery.start(runtime.run)
    transfers = LazyTransfers(store, nursery, home=config.home)
    context = Context(config, store, runtime, nursery, transfers, "0.33.0")
    server = Server(create_app(context))
    sock = socket.create_server(("127.0.0.1", 0))
    nursery.start_soon(server.serve, [sock])
    port = sock.getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
        site = Site(http, loads, runtime, port)
        await _create(site, await trio.Path(tiny_gguf).read_bytes())
        gguf = trio.Path(successor_model(tmp_path / "jinja.gguf", chat_template=JINJA, seed=1))
        await site.post(
            "/api/create", model="jinja", files=await upload(site, await gguf.read_bytes())
        )
        yield site
    server.reset()
    nursery.cancel_scope.cancel()


async def upload(site: Site, gguf: bytes) -> dict[str, str]:
    digest = "sha256:" + hashlib.sha256(gguf).hexdigest()
    assert (await site.ask("POST", f"/api/blobs/{digest}", gguf)).status_code == 201
    return {"tiny.gguf": digest}


async def _create(site: Site, gguf: bytes) -> None:
    files = await upload(site, gguf)
    await site.post("/api/create", model="raw", files=files)
    await site.post("/api/create", model="chat", files=files, template=TEMPLATE)
    await site.post("/api/create", model="think", files=files, template=THINKING)
    await site.post(
        "/api/create",
        model="full",
        files=files,
        template=TEMPLATE,
        system="Be brief.",
        parameters={"num_ctx": 64, "num_predict": 3, "stop": ["END"]},
        messages=[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
    )
