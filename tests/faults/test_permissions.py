"""Folders and files of the store that the server may not read: told, survived, and never pruned."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.served import Served
from tests.tiny_gguf import CHAINS

# Root may read everything, unless this is taken from it.
POWERS = "--bounding-set=-dac_override,-dac_read_search"
THROUGH = ["setpriv", POWERS] if os.geteuid() == 0 else []
DENIED = "permission denied"
ABSENT = f"/api/blobs/sha256:{'0' * 64}"
TINY = {"model": "tiny", "prompt": "x", "stream": False}


def served(folder: Path) -> Served:
    if THROUGH and shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and there is no setpriv")
    return Served(folder, through=THROUGH)


@contextmanager
def closed(*paths: Path) -> Iterator[None]:
    """Nobody may read or enter these."""
    modes = [path.stat().st_mode for path in paths]
    for path in paths:
        path.chmod(0)
    try:
        yield
    finally:
        for path, mode in zip(paths, modes, strict=True):
            path.chmod(mode)


def test_the_server_tells_what_it_may_not_read_and_lives_on(
    tmp_path: Path, tiny_gguf: Path
) -> None:
    with served(tmp_path) as server:
        server.create("tiny", tiny_gguf)
        models = server.models
        manifest = next((models / "manifests").rglob("tiny/latest"))
        blobs = [path for path in (models / "blobs").iterdir() if path.is_file()]
        requests = (
            ("POST", "/api/show", {"model": "tiny"}),
            ("POST", "/api/create", {"model": "x", "from": "tiny", "stream": False}),
        )
        for paths in ([manifest], blobs, [models / "manifests"], [models / "blobs"], [models]):
            with closed(*paths):
                for method, route, body in requests:
                    status, data = server.request(method, route, body)
                    assert status == 500, data
                    assert DENIED in json.loads(data)["error"]
                assert server.request("GET", "/api/tags")[0] in (200, 500)
            answer = server.json("POST", "/api/generate", TINY)
            assert answer["response"] == "".join(CHAINS[0])
        for path in (models / "blobs", models):
            with closed(path):
                status, data = server.request("POST", ABSENT, b"x")
                assert status == 500
                assert DENIED in json.loads(data)["error"]


@pytest.mark.parametrize("name", [".", "blobs"])
def test_no_start_without_the_store(tmp_path: Path, name: str) -> None:
    with served(tmp_path) as server:
        models = server.models
    with closed(models / name), pytest.raises(AssertionError) as failure:
        served(tmp_path).__enter__()
    last = str(failure.value).splitlines()[-1]
    assert last.startswith("Error: ")
    assert last.endswith(DENIED)


@pytest.mark.parametrize("name", ["manifests", "manifests/registry.ollama.ai/library"])
def test_blobs_whose_models_cannot_be_seen_stay(tmp_path: Path, tiny_gguf: Path, name: str) -> None:
    with served(tmp_path) as server:
        server.create("tiny", tiny_gguf)
        server.create("example.com/other/tiny", tiny_gguf)
        models = server.models
    blobs = set(os.listdir(models / "blobs"))
    long_ago = time.time() - 7200
    for path in (models / "blobs").iterdir():
        os.utime(path, (long_ago, long_ago))
    with closed(models / name), served(tmp_path) as server:
        assert "skipping prune operation" in server.log.read_text()
        if name != "manifests":  # what can be seen can be deleted
            body = {"model": "example.com/other/tiny"}
            assert server.request("DELETE", "/api/delete", body)[0] == 200
    assert set(os.listdir(models / "blobs")) == blobs
