"""The limits of a real server, over raw sockets: each holds, can be configured, and is told."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from ollamars.config import MAX_JSON_DEPTH, Config
from tests.faults.process import read_all, read_until
from tests.faults.test_bad_input import connect
from tests.served import Served

BODY = 100_000
DECOMPRESSED = 50_000
HEAD = 20_000
DEPTH = 50
IDLE = 1.5
READ = 1.0
WRITE = 1.0
LIMITS = {
    "OLLAMARS_MAX_BODY": str(BODY),
    "OLLAMARS_MAX_DECOMPRESSED": str(DECOMPRESSED),
    "OLLAMARS_MAX_HEAD": str(HEAD),
    "OLLAMARS_MAX_JSON_DEPTH": str(DEPTH),
    "OLLAMARS_IDLE_TIMEOUT": f"{IDLE}s",
    "OLLAMARS_READ_TIMEOUT": f"{READ}s",
    "OLLAMARS_WRITE_TIMEOUT": f"{WRITE}s",
}
NATIVE = ("/api/generate", "/api/chat", "/api/show", "/api/create", "/api/copy")
OPENAI = ("/v1/chat/completions", "/v1/completions", "/v1/responses")
ANTHROPIC = ("/v1/messages", "/v1/messages/count_tokens")
COMPRESSED = (*OPENAI, *ANTHROPIC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_gguf: Path) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("limits"), LIMITS) as served:
        served.create("tiny", tiny_gguf)
        yield served


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "".join(line + "\r\n" for line in [*lines, ""]).encode()


def ask(server: Served, path: str, body: bytes, *headers: str) -> tuple[int, str]:
    """Status and body of the answer to a whole request."""
    request = head(path, f"Content-Length: {len(body)}", *headers) + body
    with connect(server, request) as sock:
        return parts(read_all(sock))


def parts(answer: bytes) -> tuple[int, str]:
    first, _, rest = answer.partition(b"\r\n")
    found = re.fullmatch(rb"HTTP/1.1 (\d+) .+", first)
    assert found, answer[:200]
    return int(found[1]), rest.partition(b"\r\n\r\n")[2].decode()


def message(path: str, body: str) -> str:
    """The text of an error in the envelope of its API."""
    value = json.loads(body)
    if path in NATIVE:
        return str(value["error"])
    assert path in OPENAI or value["type"] == "error"
    return str(value["error"]["message"])


def assert_alive(server: Served) -> None:
    assert server.request("GET", "/api/version")[0] == 200


def test_the_defaults() -> None:
    config = Config.from_env({})
    assert (config.max_head, config.max_body) == (1 << 20, 256 << 20)
    assert (config.max_decompressed, config.max_json_depth) == (20 << 20, 200)
    timeouts = (config.idle_timeout, config.read_timeout, config.write_timeout)
    assert [timeout / 10**9 for timeout in timeouts] == [75, 60, 600]
    deep = Config.from_env({"OLLAMARS_MAX_JSON_DEPTH": str(MAX_JSON_DEPTH + 1)})
    assert deep.max_json_depth == 200
    assert "OLLAMARS_MAX_JSON_DEPTH" in deep.warnings[0]


@pytest.mark.parametrize("path", [*NATIVE, *OPENAI, *ANTHROPIC])
def test_a_body_that_is_too_large(server: Served, path: str) -> None:
    fits = b'{"model": "", "x": "%s"}' % (b"x" * (BODY - 40))
    assert ask(server, path, fits)[0] in (400, 404)
    status, body = ask(server, path, fits + b" " * 100)
    assert (status, message(path, body)) == (413, "request body too large")
    announced = head(path, f"Content-Length: {BODY + 1}")
    with connect(server, announced) as sock:  # it is refused before it comes
        assert parts(read_until(sock, b"}"))[0] == 413
    with connect(server, head(path, "Transfer-Encoding: chunked")) as sock:
        with suppress(OSError):
            for _ in range(5):
                sock.sendall(b"8000\r\n" + bytes(0x8000) + b"\r\n")
        assert b" 413 " in read_until(sock, b"\r\n")
    assert_alive(server)


@pytest.mark.parametrize("path", COMPRESSED)
def test_a_compressed_body(server: Served, path: str) -> None:
    zstd = "Content-Encoding: zstd"
    small = b'{"model": ""}'
    plain = ask(server, path, small)
    status, body = ask(server, path, zstandard.compress(small), zstd)
    assert status == plain[0] >= 400
    assert message(path, body) == message(path, plain[1])
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(256 << 20))
    assert len(bomb) < DECOMPRESSED
    begin = time.monotonic()
    status, body = ask(server, path, bomb, zstd)
    assert (status, message(path, body)) == (413, "request body too large")
    assert time.monotonic() - begin < 5
    for wrong in (small, zstandard.compress(small)[:-2], zstandard.compress(small) + b"junk"):
        status, body = ask(server, path, wrong, zstd)
        assert status == 400
        assert "zstd" in message(path, body)


def test_a_window_that_is_too_large(server: Served) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=3)
    wide = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = wide.compress(b"{}") + wide.flush()
    status, body = ask(server, "/v1/messages", data, "Content-Encoding: zstd")
    assert status == 400
    assert "zstd" in message("/v1/messages", body)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd, gzip", "nonsense"])
def test_other_encodings_are_not_looked_at(server: Served, encoding: str) -> None:
    named = f"Content-Encoding: {encoding}"
    body = b'{"model": "tiny", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}'
    assert ask(server, "/v1/messages", body, named)[0] == 200
    status, text = ask(server, "/v1/messages", gzip.compress(body), named)
    assert status == 400
    assert "invalid character" in message("/v1/messages", text)


@pytest.mark.parametrize("path", NATIVE)
def test_native_routes_read_the_body_as_it_is(server: Served, path: str) -> None:
    zstd = "Content-Encoding: zstd"
    assert ask(server, path, b'{"model": ""}', zstd) == ask(server, path, b'{"model": ""}')
    status, body = ask(server, path, zstandard.compress(b'{"model": ""}'), zstd)
    assert status == 400
    assert "invalid character" in message(path, body)


@pytest.mark.parametrize("path", [*NATIVE, *OPENAI, *ANTHROPIC])
@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"]
)
def test_deep_json(server: Served, path: str, opening: str, closing: str) -> None:
    def nested(depth: int, value: str = "1", *, member: str = "x") -> bytes:
        inside = opening * (depth - 1) + value + closing * (depth - 1)
        return f'{{"model": "", "{member}": {inside}}}'.encode()

    assert "max depth" not in ask(server, path, nested(DEPTH))[1]
    for depth in (DEPTH + 1, 300, 900, 990, 5000):
        for value in ("1", '"\\ud800"'):
            for member in ("x", "options", "tools", "messages", "system", "metadata"):
                status, body = ask(server, path, nested(depth, value, member=member))
                assert status == 400
                assert "exceeded max depth" in message(path, body)
    assert_alive(server)


@pytest.mark.parametrize("depth", [100, 900, 5000, 20_000])
def test_a_deep_list_instead_of_an_object(server: Served, depth: int) -> None:
    for value in (b"", b'"\\ud800"'):
        status, body = ask(server, "/api/chat", b"[" * depth + value + b"]" * depth)
        assert status == 400
        assert json.loads(body)["error"]
    status, body = ask(server, "/api/chat", b"[" * depth)
    assert status == 400
    assert json.loads(body)["error"]
    assert_alive(server)


def test_a_head_that_is_too_large(server: Served) -> None:
    fits = head("/api/version", "X: " + "x" * (HEAD - 1000), method="GET")
    with connect(server, fits) as sock:
        assert parts(read_all(sock))[0] == 200
    for headers in (["X: " + "x" * HEAD * 2], [f"X-{i}: {'y' * 90}" for i in range(HEAD // 50)]):
        with connect(server, head("/api/version", *headers, method="GET")) as sock:
            assert b" 431 " in read_until(sock, b"\r\n")
    target = head("/api/version?" + "x" * HEAD * 2, method="GET")
    with connect(server, target) as sock:
        assert b" 431 " in read_until(sock, b"\r\n")
    assert_alive(server)


def drip(sock: socket.socket, data: bytes, every: float) -> None:
    """Send a byte at a time until the server has had enough."""
    for byte in data:
        sock.sendall(bytes([byte]))
        time.sleep(every)


def test_a_head_that_comes_slowly(server: Served) -> None:
    begin = time.monotonic()
    with connect(server, b"") as sock:
        with suppress(OSError):
            drip(sock, head("/api/version", "X: " + "x" * 100), 0.05)
        with suppress(OSError):
            assert b" 200 " not in read_all(sock)
    assert IDLE - 0.3 < time.monotonic() - begin < IDLE + 3
    assert_alive(server)


def test_an_idle_connection_is_closed(server: Served) -> None:
    with connect(server, b"GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n") as sock:
        read_until(sock, b"}")
        begin = time.monotonic()
        assert read_all(sock) == b""
        assert IDLE - 0.3 < time.monotonic() - begin < IDLE + 2


@pytest.mark.parametrize("path", ["/api/chat", "/v1/messages", "/v1/chat/completions"])
def test_a_body_that_stops_coming(server: Served, path: str) -> None:
    begin = time.monotonic()
    with connect(server, head(path, "Content-Length: 100") + b'{"model"') as sock:
        status, body = parts(read_all(sock))
    assert (status, message(path, body)) == (408, "the request body did not arrive in time")
    assert READ - 0.2 < time.monotonic() - begin < READ + 3


def test_a_body_that_comes_slowly_is_read(server: Served) -> None:
    body = b'{"model": ""}'
    with connect(server, head("/api/chat", f"Content-Length: {len(body)}")) as sock:
        drip(sock, body, READ / 8)
        assert parts(read_all(sock))[0] == 400


def test_an_answer_that_is_not_read(server: Served) -> None:
    long = {"options": {"num_predict": 100_000}, "logprobs": True, "top_logprobs": 20}
    body = json.dumps({"model": "tiny", "prompt": "9", "raw": True, **long}).encode()
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(20)
        sock.connect((host, int(port)))
        sock.sendall(head("/api/generate", f"Content-Length: {len(body)}") + body)
        read_until(sock, b"response")
        deadline = time.monotonic() + 30
        while b"path=/api/generate" not in server.log.read_bytes() and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(ConnectionResetError):
            read_all(sock)
    assert_alive(server)
