"""A real `ollamars serve` process on a free port, with a store of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any


class Served:
    """The process and how to talk to it. A context manager; SIGTERM at the end must exit with 0."""

    def __init__(
        self, folder: Path, env: Mapping[str, str] | None = None, *, through: Sequence[str] = ()
    ) -> None:
        """`through` is a command that starts the server's."""
        self.through = through
        self.models = folder / "models"
        self.log = folder / "serve.log"
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("OLLAMA_")},
            "HOME": str(folder),
            "OLLAMA_HOST": "127.0.0.1:0",
            "OLLAMA_MODELS": str(self.models),
            "OLLAMA_NO_CLOUD": "1",
            **(env or {}),
        }
        self.base_url = ""

    def __enter__(self) -> Served:
        self._out: IO[bytes] = self.log.open("wb")
        self.process = subprocess.Popen(
            [*self.through, sys.executable, "-m", "ollamars", "serve"],
            env=self.env,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        self.base_url = f"http://{self._address()}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._out.close()
        if kind is None:
            assert status == 0, self.log.read_text()
            assert "Traceback" not in self.log.read_text(), self.log.read_text()

    def _address(self) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = re.search(r"Listening on (\S+:\d+)", self.log.read_text())
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the server did not start: {self.log.read_text()}")

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body; `body` is sent as JSON unless it is bytes."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON body of an answer that must be a success."""
        status, data = self.request(method, path, body)
        assert status < 400, (status, data)
        return json.loads(data) if data else None

    def lines(self, path: str, body: Any) -> list[dict[str, Any]]:
        """The objects of a streamed answer."""
        status, data = self.request("POST", path, body)
        assert status == 200, (status, data)
        return [json.loads(line) for line in data.splitlines()]

    def create(self, name: str, gguf: Path, **fields: Any) -> None:
        """Upload a GGUF file and make a model of it."""
        data = gguf.read_bytes()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        status, answer = self.request("POST", f"/api/blobs/{digest}", data)
        assert status in (200, 201), answer
        body = {"model": name, "files": {gguf.name: digest}, "stream": False, **fields}
        assert self.json("POST", "/api/create", body) == {"status": "success"}
