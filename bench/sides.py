"""The two programs that are compared, each in a process of its own that times steps on command.

A line `prefill START TOKENS SEQUENCE` or `decode START TOKENS SEQUENCES` is answered with seconds.
The first line that a process writes is: seconds to load, peak bytes of memory, what it runs with.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.machine import ROOT

VERSION = "0.3.36"
"""Of llama-cpp-python, which brings llama.cpp's sources."""
BUILDS = {
    "native": "-DGGML_NATIVE=ON -DGGML_AMX_TILE=OFF -DGGML_AMX_INT8=OFF",
    "avx2": "-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON "
    "-DGGML_AVX512=OFF",
}
"""What CMake is told. Its kernels for AMX end with SIGILL in prefill on machines that have it."""


def peer(build: str) -> Path:
    """The folder of a build of llama-cpp-python; built at the first use."""
    folder = ROOT / "bench" / ".peer" / f"{build}-{VERSION}"
    if not (folder / "llama_cpp").exists():
        print(f"building llama-cpp-python {VERSION} ({build})", flush=True)
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir"),
                *("--no-binary", "llama-cpp-python", "--target", str(folder)),
                f"llama-cpp-python=={VERSION}",
            ],
            env=os.environ | {"CMAKE_ARGS": f"{BUILDS[build]} -DLLAVA_BUILD=OFF"},
            check=True,
        )
    return folder


CONTEXT, SEQUENCES = 4352, 8
"""Tokens of context of each sequence, and sequences."""


class Side:
    """One of the two processes."""

    def __init__(self, script: str, *arguments: str, path: Path | None = None) -> None:
        env = os.environ | ({"PYTHONPATH": str(path)} if path else {})
        self._process = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "bench" / script),
                *arguments,
                str(CONTEXT),
                str(SEQUENCES),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )
        load, peak, self.runs_with = self._answer().split(" ", 2)
        self.load_seconds, self.peak_bytes = float(load), int(peak)

    def prefill(self, start: int, tokens: int, sequence: int = 0) -> float:
        """Seconds in which a sequence that has `start` tokens takes `tokens` more as a prompt."""
        return self._ask(f"prefill {start} {tokens} {sequence}")

    def decode(self, start: int, tokens: int, sequences: int = 1) -> float:
        """Seconds in which each sequence takes `tokens` more, one a step."""
        return self._ask(f"decode {start} {tokens} {sequences}")

    def processor_seconds(self) -> float:
        """Processor time of the process so far, of all its threads; Linux only."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End the process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

    def _ask(self, line: str) -> float:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return line
