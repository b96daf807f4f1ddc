"""Pull and push over the API, with Ollama's client for Python and real processes on both sides."""

from __future__ import annotations

import hashlib
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ollama
import pytest

from tests.clients.distribution import Distribution
from tests.scripted_registry import Fault, Registry, digest_of, slow
from tests.served import Served

WEIGHTS = random.Random(3).randbytes(300_000)
BLOB = digest_of(WEIGHTS)
PULLED = ["pulling manifest", "verifying sha256 digest", "writing manifest", "success"]


@pytest.fixture
def distribution(tmp_path: Path) -> Iterator[Distribution]:
    with Distribution(tmp_path) as registry:
        yield registry


@pytest.fixture
def server(tmp_path: Path, tiny_gguf: Path) -> Iterator[Served]:
    """A server with the model `tiny`."""
    with Served(tmp_path) as server:
        server.create("tiny", tiny_gguf, template="{{ .Prompt }}", system="Be brief.")
        yield server


def statuses(client: ollama.Client, action: str, name: str) -> list[str]:
    """The lines of a streamed pull or push, without those of blobs."""
    stream = getattr(client, action)(name, insecure=True, stream=True)
    return [each.status for each in stream if not each.digest]


def pushed(server: Served, registry: Distribution) -> str:
    """Push `tiny` under a name of the registry."""
    client = ollama.Client(host=server.base_url)
    name = f"{registry.host}/ns/tiny:1"
    client.copy("tiny", name)
    lines = statuses(client, "push", name)
    assert lines == ["retrieving manifest", "pushing manifest", "success"]
    return name


def weights(server: Served, name: str) -> str:
    """The digest of a model's weights."""
    path = server.models / "manifests" / name.replace(":1", "/1")
    found = re.search(r'image\.model","digest":"(sha256:\w+)"', path.read_text())
    assert found is not None
    return found[1]


def forget(server: Served, *names: str) -> None:
    """Delete models; the file that `tiny` was made of is all that stays."""
    for name in names:
        server.json("DELETE", "/api/delete", {"model": name})
    assert len(list((server.models / "blobs").iterdir())) == 1


def test_a_real_registry_takes_a_model_and_gives_it_back(
    server: Served, distribution: Distribution
) -> None:
    client = ollama.Client(host=server.base_url)
    name = pushed(server, distribution)
    size = client.show(name).modelinfo
    assert statuses(client, "push", name)[-1] == "success"
    forget(server, name, "tiny")
    assert statuses(client, "pull", name) == PULLED
    assert client.show(name).modelinfo == size
    assert client.generate(name, "x", raw=True).done
    assert client.pull(name, insecure=True).status == "success"
    assert client.push(name, insecure=True).status == "success"


def test_a_layer_is_mounted_from_another_model(server: Served, distribution: Distribution) -> None:
    client = ollama.Client(host=server.base_url)
    name = pushed(server, distribution)
    child = f"{distribution.host}/other/child:1"
    client.create(child, from_=name, system="Be long.")
    assert statuses(client, "push", child)[-1] == "success"
    forget(server, name, child, "tiny")
    assert statuses(client, "pull", child) == PULLED


def test_two_clients_and_two_servers_at_once(server: Served, distribution: Distribution) -> None:
    name = pushed(server, distribution)
    forget(server, name, "tiny")
    env = {"OLLAMA_MODELS": str(server.models)}
    other_home = server.models.parent / "other"
    other_home.mkdir()
    with Served(other_home, env) as other, ThreadPoolExecutor(4) as pool:
        clients = [ollama.Client(host=each.base_url) for each in (server, other) * 2]
        results = list(pool.map(lambda client: statuses(client, "pull", name), clients))
    assert all(result[-1] == "success" for result in results)
    files = [path.name for path in (server.models / "blobs").iterdir()]
    assert not [file for file in files if "partial" in file]
    data = (server.models / "blobs" / weights(server, name).replace(":", "-")).read_bytes()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == weights(server, name)


@pytest.mark.parametrize("damage", ["flipped", "truncated"])
def test_a_damaged_blob_of_the_registry_is_refused(
    server: Served, distribution: Distribution, damage: str
) -> None:
    client = ollama.Client(host=server.base_url)
    name = pushed(server, distribution)
    digest = weights(server, name)
    forget(server, name, "tiny")
    data = distribution.blob(digest).read_bytes()
    damaged = data[:-1] if damage == "truncated" else data[:-1] + bytes([data[-1] ^ 1])
    distribution.blob(digest).write_bytes(damaged)
    with pytest.raises(ollama.ResponseError, match=f"digest mismatch.*want {digest}, got sha256:"):
        client.pull(name, insecure=True)
    assert not [p for p in (server.models / "blobs").iterdir() if digest[7:] in p.name]
    assert client.list().models == []
    distribution.blob(digest).write_bytes(data)
    assert client.pull(name, insecure=True).status == "success"


def test_what_a_registry_does_not_have(server: Served, distribution: Distribution) -> None:
    client = ollama.Client(host=server.base_url)
    with pytest.raises(ollama.ResponseError, match="file does not exist"):
        client.pull(f"{distribution.host}/ns/nosuch", insecure=True)
    with pytest.raises(ollama.ResponseError, match="invalid model name") as error:
        client.pull("bad name")
    assert error.value.status_code == 400


def test_create_pulls_what_it_is_made_from(server: Served) -> None:
    lines = server.lines("/api/create", {"model": "x", "from": "127.0.0.1:1/ns/m"})
    assert lines[0] == {"status": "pulling manifest"}
    assert lines[1]["error"].startswith('pull model manifest: Get "https://127.0.0.1:1/v2/ns/m/')


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_server_goes_on_where_it_was(tmp_path: Path, number: int) -> None:
    with Registry() as registry:
        registry.add("ns/m:tag", WEIGHTS, b"sys")
        registry.faults = [Fault("GET", f"/cdn/{BLOB}", slow(100_000))]
        body = {"model": f"{registry.host}/ns/m:tag", "insecure": True}
        state = tmp_path / f"models/blobs/{BLOB.replace(':', '-')}-partial-0"
        with ThreadPoolExecutor(1) as pool:
            first = Served(tmp_path)
            first.__enter__()
            pull = pool.submit(first.request, "POST", "/api/pull", body)
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and not completed(state):
                time.sleep(0.05)
            first.process.send_signal(number)
            first.process.wait(10)
            assert pull.exception() or b"success" not in pull.result()[1]
        done = completed(state)
        assert done > 0
        with Served(tmp_path) as server:
            assert server.lines("/api/pull", body)[-1] == {"status": "success"}
        assert registry.ranges()[1] == f"bytes={done}-{len(WEIGHTS) - 1}"


def completed(state: Path) -> int:
    """How far a part is, as its file says."""
    found = re.search(rb'"Completed":(\d+)', state.read_bytes() if state.exists() else b"")
    return int(found[1]) if found else 0


def test_a_client_that_leaves_ends_the_pull(tmp_path: Path) -> None:
    with Registry() as registry, Served(tmp_path) as server:
        registry.add("ns/m:tag", WEIGHTS, b"sys")
        registry.faults = [Fault("GET", f"/cdn/{BLOB}", slow(100_000))]
        client = ollama.Client(host=server.base_url)
        stream = client.pull(f"{registry.host}/ns/m:tag", insecure=True, stream=True)
        assert next(each for each in stream if each.completed).total == len(WEIGHTS)
        stream.close()  # type: ignore[attr-defined]
        time.sleep(0.5)
        asked = len(registry.seen)
        time.sleep(0.5)
        assert len(registry.seen) == asked
        assert not (server.models / f"blobs/{BLOB.replace(':', '-')}").exists()


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/api/pull", {"model": ""}, 400, "invalid model name"),
        ("/api/pull", {"name": "a/b/c/d/e"}, 400, "invalid model name"),
        ("/api/pull", {"model": "x:cloud:local"}, 400, "use either :local or :cloud, not both"),
        ("/api/pull", {"model": "127.0.0.1:1/x/y", "stream": False}, 500, "pull model manifest: "),
        ("/api/push", {"model": ""}, 400, "model is required"),
        ("/api/push", {"model": "bad name", "stream": False}, 500, "unqualified name: "),
    ],
)
def test_refusals(
    tiny: Served, path: str, body: dict[str, object], status: int, message: str
) -> None:
    found, answer = tiny.request("POST", path, body)
    assert (found, message in answer.decode()) == (status, True), answer


def test_the_command_line_pulls_runs_and_pushes(server: Served, distribution: Distribution) -> None:
    def command(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ollamars", *arguments],
            env={**server.env, "OLLAMA_HOST": server.base_url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    name = f"{distribution.host}/ns/tiny:1"
    command("cp", "tiny", name)
    assert f"You can find your model at:\n\n\t{name}" in command("push", "--insecure", name)
    forget(server, name, "tiny")
    assert command("run", "--insecure", name, "x").strip()
    assert name in command("list")
    command("pull", "--insecure", name)
