"""Prompts are made off the event loop: others are served while one takes long."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import trio

from ollamars.prompts.template import ChatTemplate
from tests.unit.server.conftest import Site

pytestmark = pytest.mark.trio
BODIES: dict[str, dict[str, Any]] = {
    "/api/chat": {"model": "think", "messages": [{"role": "user", "content": "hi"}]},
    "/api/generate": {"model": "think", "prompt": "hi"},
}


@pytest.mark.parametrize("path", BODIES)
async def test_a_prompt_that_takes_long_keeps_nobody_waiting(
    site: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendering, may_end = threading.Event(), threading.Event()
    render = ChatTemplate.render

    def slow(self: ChatTemplate, *args: Any, **kwargs: Any) -> str:
        rendering.set()
        assert may_end.wait(30)
        return render(self, *args, **kwargs)

    monkeypatch.setattr(ChatTemplate, "render", slow)
    prompts: list[str] = []

    async def ask() -> None:
        prompts.append(await site.prompt(path, **BODIES[path]))

    async with trio.open_nursery() as asking:
        asking.start_soon(ask)
        assert await trio.to_thread.run_sync(rendering.wait, 30)
        assert (await site.ask("GET", "/api/version")).status_code == 200
        assert prompts == []
        may_end.set()
    assert prompts == ["user:hi;"]
