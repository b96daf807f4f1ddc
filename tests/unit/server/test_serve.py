"""`ollamars serve` as a process: its log, its errors, its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.served import Served

LINES = [
    'msg="server config" env="map[',
    'msg="Ollama cloud disabled: true"',
    'msg="total blobs: 0"',
    'msg="total unused blobs removed: 0"',
    'msg="Listening on 127.0.0.1:',
    'msg="inference compute" id=',
    'msg="vram-based default context" total_vram=',
]


def serve(tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a server that cannot start."""
    inherited = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "ollamars", "serve"],
        env={**inherited, "HOME": str(tmp_path), **env},
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_the_log_tells_the_start_in_order(tmp_path: Path) -> None:
    with Served(tmp_path) as server:
        deadline = time.monotonic() + 5
        while LINES[-1] not in server.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
    greeting, begin, log = server.log.read_text().partition("time=")
    log = begin + log
    assert greeting.startswith(f"Couldn't find '{tmp_path}/.ollama/id_ed25519'. Generating")
    assert "\n\nssh-ed25519 AAAA" in greeting
    places = [log.find(line) for line in LINES]
    assert -1 not in places
    assert places == sorted(places)
    assert all(
        re.match(r"time=\S+ level=[A-Z]+ source=\S+:\d+ msg=", line) for line in log.splitlines()
    )
    assert (tmp_path / "models" / "blobs").is_dir()
    assert (tmp_path / "models" / "manifests").is_dir()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once(tmp_path: Path, number: int) -> None:
    with Served(tmp_path) as server:
        begin = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(10) == 0
        assert time.monotonic() - begin < 1.5


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = serve(tmp_path, OLLAMA_HOST=address)
    assert done.returncode == 1
    assert done.stderr == f"Error: listen tcp {address}: bind: address already in use\n"
    assert not (tmp_path / ".ollama" / "models").exists()


def test_an_address_that_is_none(tmp_path: Path) -> None:
    done = serve(tmp_path, OLLAMA_HOST="256.1.1.1:1")
    assert done.returncode == 1
    assert done.stderr == "Error: listen tcp: lookup 256.1.1.1: no such host\n"


def test_a_folder_of_models_that_is_a_file(tmp_path: Path) -> None:
    done = serve(tmp_path, OLLAMA_HOST="127.0.0.1:0", OLLAMA_MODELS="/dev/null")
    assert done.returncode == 1
    assert "Error: " in done.stderr.splitlines()[-1]
    assert "mkdir /dev/null" in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_values_are_told_and_ignored(tmp_path: Path) -> None:
    with Served(tmp_path, {"OLLAMA_NUM_PARALLEL": "x"}) as server:
        assert server.json("GET", "/api/version")
    assert re.search("level=WARN .*OLLAMA_NUM_PARALLEL", server.log.read_text())


def test_it_listens_on_every_address(tmp_path: Path) -> None:
    with Served(tmp_path, {"OLLAMA_HOST": "0.0.0.0:0"}) as server:
        port = int(server.base_url.rpartition(":")[2])
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            if family is socket.AF_INET6 and not socket.has_dualstack_ipv6():
                continue
            with socket.socket(family) as sock:
                sock.settimeout(5)
                sock.connect((address, port))
                sock.sendall(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
                assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")
