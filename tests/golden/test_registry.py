"""Pulls and pushes as recorded from Ollama v0.33, with the requests that a registry sees.

The recordings' own tool plays the registry and compares. Cases that wait for half a minute and more
are left out; tests with shorter waits stand for them.
"""

from __future__ import annotations

import importlib.util
import socketserver
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.served import Served
from tests.support import golden, has_shared, shared

BETTER = {
    "pull-blob-200-no-redirect": "content may come from the registry itself",
    "pull-blob-redirect-same-host": "content may come from the registry itself",
    "pull-blob-redirect-301": "every redirect leads to the content",
    "pull-blob-redirect-302": "every redirect leads to the content",
    "pull-blob-redirect-303": "every redirect leads to the content",
    "pull-blob-redirect-308": "every redirect leads to the content",
    "pull-chunk-404-long-body": "the text of an error is no content",
    "pull-chunk-cut-then-200": "a whole blob is not the rest of it",
    "pull-manifest-empty-object": "a model has layers",
    "pull-manifest-index": "a model has layers",
}
"""Cases that show a fault of the original, and what is so here."""
SLOW = "slow-"

CASES: list[dict[str, Any]] = []
if has_shared():
    CASES = [
        case
        for case in golden("registry")
        if not (case.get("special") or case.get("distribution") or case["id"].startswith(SLOW))
    ]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = shared("tools", "serve_cases.py")
    spec = importlib.util.spec_from_file_location("serve_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))  # the tool imports the ones beside it
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


@pytest.fixture(scope="module", autouse=True)
def quick_end() -> Iterator[None]:
    """The tool's registry ends within 20 ms, not 500."""
    wait = socketserver.BaseServer.serve_forever
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wait, "__defaults__", (0.02,))
        yield


@pytest.fixture(scope="module")
def server(tool: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Our server, as the tool talks to one."""
    folder = tmp_path_factory.mktemp("served")
    with Served(folder, {"NO_PROXY": "*"}) as served:
        server = tool.Server("", str(folder))
        server.port = int(served.base_url.rpartition(":")[2])
        assert Path(server.models) == served.models
        yield server


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_recorded_case(case: dict[str, Any], tool: ModuleType, server: Any) -> None:
    differences = tool.registry(server, case)
    assert bool(differences) == (case["id"] in BETTER), "\n".join(differences)
