"""What an operator meets: bad files, bad requests, a full disk, clients that vanish.

Each test ends with the server answering as before, and with nothing half-written in the store.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.process import reset
from tests.served import Served
from tests.support import test_model
from tests.tiny_gguf import CHAINS, successor_model

HELLO = "".join(CHAINS[0])
TOO_LONG = "x" * 3000
MESSAGES = [{"role": "user", "content": "x"}]


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def error(server: Served, method: str, path: str, body: Any = None) -> tuple[int, str]:
    """Status and text of an answer that must be an error."""
    status, data = server.request(method, path, body)
    assert status >= 400, data
    return status, json.loads(data)["error"]


def blobs(server: Served) -> set[str]:
    return set(os.listdir(server.models / "blobs"))


def upload(server: Served, data: bytes) -> str:
    digest = digest_of(data)
    assert server.request("POST", f"/api/blobs/{digest}", data)[0] in (200, 201)
    return digest


def ask(server: Served, model: str = "tiny", **fields: Any) -> tuple[int, Any]:
    body = {"model": model, "prompt": "x", "stream": False, **fields}
    status, data = server.request("POST", "/api/generate", body)
    return status, json.loads(data)


def assert_alive(server: Served) -> None:
    """It answers, and at once."""
    begin = time.monotonic()
    status, answer = ask(server)
    assert (status, answer.get("response")) == (200, HELLO), answer
    assert time.monotonic() - begin < 5


def connect(server: Served, data: bytes) -> socket.socket:
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    sock = socket.create_connection((host, int(port)), timeout=20)
    sock.sendall(data)
    return sock


def post(path: str, body: Any) -> bytes:
    """The bytes of a request."""
    data = json.dumps(body).encode()
    return b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (
        path.encode(),
        len(data),
        data,
    )


def wait_until(condition: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


@pytest.mark.parametrize(
    ("length", "status", "text"),
    [
        (0, 400, "supplied file was not in GGUF format"),
        (3, 400, "supplied file was not in GGUF format"),
        (4, 500, "unexpected EOF"),
        (20, 500, "unexpected EOF"),
        (100, 500, "unexpected EOF"),
        (5000, 500, "unexpected EOF"),
        (-100, 500, 'tensor "blk.0.ffn_down.weight" offset+size'),
    ],
)
def test_a_model_of_a_truncated_file(
    tiny: Served, tiny_gguf: Path, length: int, status: int, text: str
) -> None:
    digest = upload(tiny, tiny_gguf.read_bytes()[:length])
    before = blobs(tiny)
    body = {"model": "cut", "files": {"m.gguf": digest}}
    found = error(tiny, "POST", "/api/create", body | {"stream": False})
    assert (found[0], found[1][: len(text)]) == (status, text)
    last = tiny.lines("/api/create", body)[-1]
    assert last == {"error": found[1]}
    assert blobs(tiny) == before  # the upload stays, as it does in Ollama
    assert error(tiny, "POST", "/api/show", {"model": "cut"})[0] == 404
    assert_alive(tiny)


def test_an_upload_of_another_digest(tiny: Served) -> None:
    wanted, data = "sha256:" + "0" * 64, b"something else"
    status, text = error(tiny, "POST", f"/api/blobs/{wanted}", data)
    assert (status, text) == (
        400,
        f'digest mismatch, expected "{wanted}", got "{digest_of(data)}"',
    )
    assert tiny.request("HEAD", f"/api/blobs/{wanted}")[0] == 404
    # Ollama keeps it under the digest that it has.
    assert tiny.request("HEAD", f"/api/blobs/{digest_of(data)}")[0] == 200


@pytest.mark.parametrize("digest", ["nonsense", "sha256:12", "sha256:" + "g" * 64, "..%2f..%2fx"])
def test_an_upload_without_a_digest(tiny: Served, digest: str) -> None:
    before = blobs(tiny)
    assert tiny.request("POST", f"/api/blobs/{digest}", b"data")[0] in (307, 400, 404)
    assert blobs(tiny) == before


@pytest.mark.parametrize("with_reset", [False, True])
def test_an_upload_that_breaks_off(tiny: Served, with_reset: bool) -> None:
    before = blobs(tiny)
    head = (
        b"POST /api/blobs/sha256:%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n"
    )
    sock = connect(tiny, head % (b"1" * 64) + b"x" * 300_000)
    wait_until(lambda: blobs(tiny) != before)
    if with_reset:
        reset(sock)
    else:
        sock.close()
    wait_until(lambda: blobs(tiny) == before)
    assert_alive(tiny)


ROUTES = {
    "show": ("POST", "model 'absent:latest' not found"),
    "generate": ("POST", "model 'absent' not found"),
    "chat": ("POST", "model 'absent' not found"),
    "copy": ("POST", 'model "absent" not found'),
    "delete": ("DELETE", "model 'absent' not found"),
}


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_model(tiny: Served, route: str) -> None:
    method, text = ROUTES[route]
    body = {"model": "absent", "source": "absent", "destination": "d"}
    body |= {"prompt": "x", "messages": MESSAGES}  # type: ignore[dict-item]
    assert error(tiny, method, f"/api/{route}", body) == (404, text)


@pytest.mark.parametrize("route", [*ROUTES, "create"])
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "missing request body"),
        (b"{", "unexpected EOF"),
        (b'{"model": "tiny"', "unexpected EOF"),
        (b"\xff\xfe", "invalid character"),
        (b"model=tiny", "invalid character"),
        (b'{"model": 1}', "json: cannot unmarshal number into Go struct field"),
        (b"[" * 100_000, ""),
        (b'{"model":' + b'{"a":' * 50_000, ""),
    ],
    ids=["empty", "open", "cut", "bytes", "form", "type", "deep-list", "deep-object"],
)
def test_a_body_that_is_no_json(tiny: Served, route: str, body: bytes, text: str) -> None:
    if route == "copy":
        body = body.replace(b"model", b"source")
    method = ROUTES.get(route, ("POST", ""))[0]
    status, found = error(tiny, method, f"/api/{route}", body)
    assert status == 400
    assert found.startswith(text)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"truncate": False}, "request ("),
        ({"truncate": False, "shift": False}, "request ("),
        ({"shift": False}, "the prompt is longer than the context length"),
    ],
)
def test_a_prompt_that_is_too_long(
    tiny: Served, fields: dict[str, bool], text: str, stream: bool
) -> None:
    body = {"model": "tiny", "stream": stream, **fields}
    messages = [{"role": "user", "content": TOO_LONG}]
    for path, more in (("generate", {"prompt": TOO_LONG}), ("chat", {"messages": messages})):
        status, found = error(tiny, "POST", f"/api/{path}", body | more)
        assert status == 400
        assert found.startswith(text)


HUGE = [10**12, 2**31, 2**63, 10**30, 1e300, -1, -5, -(2**31), -(10**30), 0]


@pytest.mark.parametrize(
    "name",
    ["num_ctx", "num_predict", "num_batch", "num_keep", "num_thread", "repeat_last_n", "top_k"],
)
def test_numbers_out_of_reason(tiny: Served, name: str) -> None:
    for value in HUGE:
        status, answer = ask(tiny, options={"num_predict": 3} | {name: value})
        assert status == 200, (value, answer)
        assert answer["response"], value
    assert_alive(tiny)


@pytest.mark.parametrize("value", [1e300, -1e300])
@pytest.mark.parametrize("name", ["temperature", "repeat_penalty", "top_p", "min_p"])
def test_floats_that_are_none(tiny: Served, name: str, value: float) -> None:
    status, answer = ask(tiny, options={name: value})
    assert status == 400
    assert name in answer["error"]
    assert_alive(tiny)


def test_a_context_beyond_all_memory(tiny: Served, tmp_path: Path) -> None:
    """The weights say that the model knows 2^31 tokens; a machine with this memory is unknown."""
    tiny.create("vast", successor_model(tmp_path / "vast.gguf", context=2**31, seed=1))
    status, answer = ask(tiny, "vast", options={"num_ctx": 10**12})
    assert status == 500
    assert "memory" in answer["error"]
    assert_alive(tiny)


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "gone", "folder"])
def test_weights_damaged_after_they_were_stored(tiny: Served, tmp_path: Path, damage: str) -> None:
    gguf = successor_model(tmp_path / "damaged.gguf", seed=len(damage) + 10)
    tiny.create(f"damaged-{damage}", gguf)
    shown = tiny.json("POST", "/api/show", {"model": f"damaged-{damage}"})
    name = next(line for line in shown["modelfile"].splitlines() if line.startswith("FROM "))
    blob = Path(name.removeprefix("FROM "))
    data = blob.read_bytes()
    blob.unlink()
    if damage == "folder":
        blob.mkdir()
    elif damage != "gone":
        contents = {"cut": data[:-5000], "garbage": b"x" * len(data), "empty": b""}
        blob.write_bytes(contents[damage])
    expected = {
        "cut": (500, 'tensor "blk.0.'),
        "garbage": (400, "supplied file was not in GGUF format"),
        "empty": (400, "supplied file was not in GGUF format"),
        "gone": (404, f'model "damaged-{damage}:latest" not found'),
        "folder": (404, f'model "damaged-{damage}:latest" not found'),
    }
    status, answer = ask(tiny, f"damaged-{damage}")
    assert (status, answer["error"][: len(expected[damage][1])]) == expected[damage]
    assert tiny.request("GET", "/api/tags")[0] == 200
    assert_alive(tiny)
    if damage == "folder":
        blob.rmdir()
    tiny.request("DELETE", "/api/delete", {"model": f"damaged-{damage}"})


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own; skips where it cannot be mounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    folder.mkdir()
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options.encode()) != 0:
        pytest.skip(f"no file system can be mounted: {os.strerror(ctypes.get_errno())}")
    try:
        yield folder
    finally:
        libc.umount2(os.fsencode(folder), 2)


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_a_full_disk(tmp_path: Path, tiny_gguf: Path) -> None:
    data = tiny_gguf.read_bytes()
    with (
        small_disk(tmp_path / "models", f"size={len(data) * 7 // 2}") as models,
        Served(tmp_path) as server,
    ):
        server.create("tiny", tiny_gguf)
        rewritten = blobs(server)
        # More than there is room for.
        status, text = error(server, "POST", f"/api/blobs/sha256:{'2' * 64}", data * 5)
        assert (status, text.rpartition(": ")[2]) == (500, "no space left on device")
        assert blobs(server) == rewritten
        # The upload fits, what is made of it does not.
        other = successor_model(tmp_path / "other.gguf", seed=3).read_bytes()
        digest = upload(server, other)
        uploaded = blobs(server)
        body: dict[str, Any] = {"model": "other", "files": {"other.gguf": digest}}
        status, text = error(server, "POST", "/api/create", body | {"stream": False})
        assert status == 500
        assert "no space left on device" in text
        assert "no space left on device" in server.lines("/api/create", body)[-1]["error"]
        assert blobs(server) == uploaded
        # Not a byte is left for a manifest.
        fill(models / "filler")
        for body in (
            {"model": "child", "from": "tiny", "system": "x"},
            {"model": "c", "from": "tiny"},
        ):
            status, text = error(server, "POST", "/api/create", body | {"stream": False})
            assert status == 500
            assert "no space left on device" in text
        status, text = error(server, "POST", "/api/copy", {"source": "tiny", "destination": "copy"})
        assert status == 500
        assert "no space left on device" in text
        assert blobs(server) == uploaded
        assert [model["name"] for model in server.json("GET", "/api/tags")["models"]] == [
            "tiny:latest"
        ]
        assert [path.name for path in (models / "manifests").rglob("*") if path.is_file()] == [
            "latest"
        ]
        assert server.json(
            "POST", "/api/generate", {"model": "tiny", "prompt": "x", "stream": False}
        )
        (models / "filler").unlink()
        assert server.request("DELETE", "/api/delete", {"model": "tiny"})[0] == 200
        server.create("late", tiny_gguf)


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "models", "ro"),
        pytest.raises(AssertionError, match=r"Error: .*read-only"),
    ):
        Served(tmp_path).__enter__()


def test_eight_clients_that_vanish(tiny: Served) -> None:
    body = {"model": "tiny-raw", "raw": True, "prompt": "9", "options": {"num_predict": 10**6}}
    for end in (socket.socket.close, reset):
        socks = [connect(tiny, post("/api/generate", body)) for _ in range(8)]
        for sock in socks:
            assert b'"response":"la"' in sock.recv(65536) + sock.recv(65536)
            end(sock)
        # All places are free again: eight more are answered side by side, at once.
        threads = [threading.Thread(target=assert_alive, args=(tiny,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
    assert_alive(tiny)
    # Nothing uses the model any more: it goes at once.
    assert tiny.request("POST", "/api/generate", {"model": "tiny-raw", "keep_alive": 0})[0] == 200
    loaded = tiny.json("GET", "/api/ps")["models"]
    assert "tiny-raw:latest" not in [model["name"] for model in loaded]


def test_a_signal_while_streams_run(tmp_path: Path, tiny_gguf: Path) -> None:
    body = {"model": "tiny", "raw": True, "prompt": "9", "options": {"num_predict": 10**6}}
    with Served(tmp_path) as server:
        server.create("tiny", tiny_gguf)
        socks = [connect(server, post("/api/generate", body)) for _ in range(4)]
        for sock in socks:
            assert sock.recv(65536)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        assert time.monotonic() - begin < 3
        for sock in socks:
            sock.close()


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2])
def test_a_signal_while_a_model_loads(tmp_path: Path, smol: Served, delay: float) -> None:
    test_model("SmolLM2-135M-Instruct.Q4_1.gguf")
    with Served(tmp_path, {"OLLAMA_MODELS": str(smol.models)}) as server:
        sock = connect(server, post("/api/generate", {"model": "smollm2:135m", "prompt": "x"}))
        time.sleep(delay)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        assert time.monotonic() - begin < 5
        sock.close()
