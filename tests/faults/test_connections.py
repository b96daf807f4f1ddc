"""Faults of the stock web stack, over raw sockets: none of them may come back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.faults.app import KEEP_ALIVE, LIMIT, WRITE_TIMEOUT
from tests.faults.process import Process, get, read_all, read_until, reset

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with Process() as process:
        yield process


@pytest.mark.parametrize(
    "data",
    [
        get("/tiny", "Connection: close"),
        get("/tiny", version="1.0"),
        get("/tiny"),
        b"",
        b"GET /tiny HT",
        get("/stream?n=3", version="1.0"),
        get("/stream?n=3", "Connection: close"),
    ],
    ids=["close", "http-1.0", "idle", "silent", "half-head", "stream-1.0", "stream-close"],
)
def test_a_connection_is_closed_after_its_answer_or_when_idle(server: Process, data: bytes) -> None:
    begin = time.monotonic()
    answer = server.ask(data)
    assert time.monotonic() - begin < KEEP_ALIVE + 2
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") or not data.endswith(b"\r\n\r\n")
    if b"stream" in data:
        assert answer.count(b"xxx\n") == 3


def test_a_connection_serves_one_request_after_the_other(server: Process) -> None:
    with server.connect() as sock:
        for _ in range(3):
            sock.sendall(get("/tiny"))
            read_until(sock, b"{}")
        sock.sendall(get("/tiny") + get("/tiny"))  # pipelined
        read_until(sock, b"{}", times=2)


def test_a_client_that_does_not_read_is_given_up(server: Process) -> None:
    begin = time.monotonic()
    with server.connect(get("/stream"), receive_buffer=4096):
        server.wait_for(lambda stats: stats["streaming"] == 1)
        server.wait_for(lambda stats: stats["streaming"] == 0, WRITE_TIMEOUT + 2)
    assert time.monotonic() - begin > WRITE_TIMEOUT - 0.5


@pytest.mark.parametrize(
    "data",
    [
        get("/tiny", "Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAA"),
        get("/tiny", "Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAAAAAAA"),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
        "GET /é HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        get("/tiny", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        get("?a"),
        get("http://["),
        get("/broken"),
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=lambda data: data[:40].decode("latin-1"),
)
def test_no_request_ends_the_server(server: Process, data: bytes) -> None:
    with server.connect(data) as sock:
        read_until(sock, b"HTTP/1.1 ")
    assert b"200 OK" in server.ask(get("/tiny", "Connection: close"))


def test_an_upgrade_is_answered_over_http_1(server: Process) -> None:
    answer = server.ask(
        get("/tiny", "Connection: Upgrade, close", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    )
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_stream_is_not_cut_by_a_time_limit(server: Process) -> None:
    answer = server.ask(get("/stream?n=10&delay=0.1", "Connection: close"))
    assert answer.count(b"xxx\r\n") == 0
    assert answer.count(b"xxx\n") == 10
    assert answer.endswith(b"0\r\n\r\n")


def test_the_limit_of_a_body_holds_however_it_is_sent(server: Process) -> None:
    head = b"POST /limited HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    fits = b"Content-Length: %d\r\n\r\n" % LIMIT + bytes(LIMIT)
    assert b" 200 OK" in server.ask(head + fits)
    announced = b"Content-Length: %d\r\n\r\n" % (LIMIT + 1)
    assert b" 413 " in server.ask(head + announced)
    with server.connect(head + b"Transfer-Encoding: chunked\r\n\r\n") as sock:
        try:
            for _ in range(32):
                sock.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
            sock.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # refused in the middle
        read_until(sock, b" 413 ")


def test_a_slow_handler_stops_its_client(server: Process) -> None:
    before, sent = server.stats()["rss"], 0
    with server.connect(
        b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"
    ) as sock:
        sock.settimeout(1)
        try:
            while sent < 300:
                sock.sendall(bytes(1 << 20))
                sent += 1
        except TimeoutError:
            pass
        assert server.stats()["rss"] - before < 20 << 20
    assert sent < 50


def test_a_large_body_needs_little_memory(server: Process) -> None:
    before, size = server.stats()["rss"], 300 << 20
    head = (
        b"POST /count HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
    )
    with server.connect(head) as sock:
        for _ in range(300):
            sock.sendall(bytes(1 << 20))
        assert b'{"size":%d}' % size in read_all(sock)
    assert server.stats()["rss"] - before < 20 << 20


def test_idle_connections_go_with_their_clients(server: Process) -> None:
    before = server.stats()
    sockets = [server.connect() for _ in range(100)] + [
        server.connect(get("/tiny")) for _ in range(100)
    ]
    server.wait_for(lambda stats: stats["fds"] >= before["fds"] + 200, KEEP_ALIVE)
    for sock in sockets:
        sock.close()
    server.wait_for(lambda stats: stats["fds"] <= before["fds"], 1.0)
    server.wait_for(lambda stats: stats["tasks"] <= before["tasks"], 1.0)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("expect", ["Expect:", "Expect: 100-continue"])
def test_an_early_answer_arrives(server: Process, expect: str) -> None:
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", expect, "-T", "-"]
    url = f"http://127.0.0.1:{server.port}/reject"
    done = subprocess.run(
        [*command, "-X", "POST", url], input=bytes(50 << 20), capture_output=True, timeout=20
    )
    assert done.stdout == b"413"
    assert done.returncode == 0


def rejected(length: int) -> bytes:
    return b"POST /reject HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


def test_a_connection_goes_on_after_a_small_body_that_nobody_read(server: Process) -> None:
    with server.connect(rejected(1000)) as sock:
        time.sleep(0.1)
        sock.sendall(bytes(1000) + get("/tiny"))
        answer = read_until(sock, b"{}", times=2)
    assert answer.count(b"HTTP/1.1 ") == 2
    assert b"connection: close" not in answer.lower()


@pytest.mark.parametrize("length", [1000, 10 << 20])
def test_an_answer_tells_that_the_rest_of_the_body_is_not_read(
    server: Process, length: int
) -> None:
    begin = time.monotonic()
    with server.connect(rejected(length)) as sock:
        answer = read_all(sock)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close\r\n" in answer.lower()
    assert time.monotonic() - begin < KEEP_ALIVE + 2


def test_work_is_ended_for_clients_that_left_before_the_answer_began(server: Process) -> None:
    before = server.stats()
    for _ in range(5):
        with server.connect(get("/late")):
            time.sleep(0.05)
    server.wait_for(lambda stats: stats["handled"] == before["handled"] + 5)
    server.wait_for(lambda stats: stats["ended"] == before["ended"] + 5)


def test_aborted_streams_leave_nothing(server: Process) -> None:
    before = server.stats()
    for number in range(300):
        sock = server.connect(get("/stream?delay=0.01"))
        if number % 3 == 0:
            sock.recv(50)
        if number % 2:
            reset(sock)
        else:
            sock.close()
    server.wait_for(lambda stats: stats["streaming"] == 0)
    server.wait_for(lambda stats: stats["fds"] <= before["fds"])
    server.wait_for(lambda stats: stats["tasks"] <= before["tasks"])


HALF_BODY = b"POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
@pytest.mark.parametrize(
    ("data", "at_most"),
    [
        (b"", 0.9),
        (get("/tiny"), 0.9),
        (b"GET /tiny HT", 0.9),
        (get("/stream?delay=0.01"), 2.5),
        (HALF_BODY, 2.5),
    ],
    ids=["silent", "idle", "half-head", "stream", "half-body"],
)
def test_a_signal_ends_the_server(number: int, data: bytes, at_most: float) -> None:
    with Process(grace=1.0) as server, server.connect(data):
        time.sleep(0.1)
        assert server.signal(number) < at_most


def test_a_signal_ends_a_server_whose_client_does_not_read() -> None:
    with Process(grace=0.5) as server, server.connect(get("/stream"), receive_buffer=4096):
        time.sleep(0.5)
        assert server.signal() < 2.5


def test_many_streams_end_in_the_time_of_grace() -> None:
    with Process(grace=0.5) as server:
        sockets = [server.connect(get("/stream?delay=0.02")) for _ in range(100)]
        server.wait_for(lambda stats: stats["streaming"] == 100)
        assert server.signal() < 3
        for sock in sockets:
            sock.close()


def test_the_second_signal_ends_streams_at_once_and_the_port_is_refused_meanwhile() -> None:
    with Process(grace=30) as server, server.connect(get("/stream?delay=0.01")):
        server.wait_for(lambda stats: stats["streaming"] == 1)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        assert server.signal() < 1


def test_a_short_stream_may_end_after_the_first_signal() -> None:
    with Process(grace=5) as server, server.connect(get("/stream?n=5&delay=0.1")) as sock:
        server.wait_for(lambda stats: stats["streaming"] == 1)
        server.process.send_signal(signal.SIGTERM)
        answer = read_all(sock)
        assert answer.count(b"xxx\n") == 5
        assert server.process.wait(3) == 0
