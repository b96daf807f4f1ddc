"""The test application in a process of its own, and raw sockets to it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tests.support import ROOT

TIMEOUT = 10.0
"""Seconds after which a socket of a test gives up."""


def get(path: str, *headers: str, version: str = "1.1", method: str = "GET") -> bytes:
    """The bytes of a request without a body."""
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost", *headers]
    return "".join(line + "\r\n" for line in [*lines, ""]).encode()


class Process:
    """A context manager; the process must be alive at the end unless a test ended it."""

    def __init__(self, grace: float = 1.0) -> None:
        self.grace = grace

    def __enter__(self) -> Process:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.app", str(self.grace)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        alive = self.process.poll() is None
        self.process.kill()
        _, log = self.process.communicate()
        if kind is None:
            assert alive or self.process.returncode == 0, log

    def connect(self, data: bytes = b"", *, receive_buffer: int = 0) -> socket.socket:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(TIMEOUT)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(data)
        return sock

    def ask(self, data: bytes) -> bytes:
        """Everything until the server closes the connection."""
        with self.connect(data) as sock:
            return read_all(sock)

    def stats(self) -> dict[str, int]:
        answer = self.ask(get("/stats", "Connection: close"))
        stats: dict[str, int] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return stats

    def wait_for(self, condition: Callable[[dict[str, int]], bool], seconds: float = 3.0) -> Any:
        """The first statistics that meet a condition; the last ones when time is over."""
        deadline = time.monotonic() + seconds
        while not condition(stats := self.stats()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert condition(stats), stats
        return stats

    def signal(self, number: int = signal.SIGTERM) -> float:
        """Send a signal; the seconds until the process has ended with status 0."""
        begin = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(TIMEOUT) == 0
        return time.monotonic() - begin


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def reset(sock: socket.socket) -> None:
    """Close with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    sock.close()


def read_until(sock: socket.socket, marker: bytes, times: int = 1) -> bytes:
    """What arrives until it holds `marker`, `times` times."""
    data = b""
    while data.count(marker) < times:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data
