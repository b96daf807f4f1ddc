"""A real registry: the `docker-registry` program (CNCF Distribution), where it is installed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import pytest

CONFIG = """
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http:
  addr: {host}
  secret: of-this-test
"""


class Distribution:
    """The process, with an empty store; skips the test where there is no such program."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("docker-registry") or shutil.which("registry")
        if program is None:
            pytest.skip("no docker-registry here")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        self.root = folder / "registry"
        self._config = folder / "registry.yml"
        self._config.write_text(CONFIG.format(root=json.dumps(str(self.root)), host=self.host))
        self._log = folder / "registry.log"
        self._command = [program, "serve", str(self._config)]

    def __enter__(self) -> Distribution:
        self._out = self._log.open("wb")
        self.process = subprocess.Popen(self._command, stdout=self._out, stderr=self._out)
        host, _, port = self.host.partition(":")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError(f"the registry did not start: {self._log.read_text()}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        self.process.wait(10)
        self._out.close()

    def blob(self, digest: str) -> Path:
        """Where it keeps the content of a blob."""
        digits = digest.removeprefix("sha256:")
        return self.root / f"docker/registry/v2/blobs/sha256/{digits[:2]}/{digits}/data"
