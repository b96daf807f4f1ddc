"""Compares the CPU executor with llama.cpp: same file, same threads, in turn.

    python bench/run.py [--rounds 5] [--threads 2] [--only NAME]... [--level LEVEL] [--long]

Models are made by `bench/synthetic.py`, or given as paths of GGUF files. Every figure is the median
of the rounds, every ratio the median of their ratios. The result goes to `bench/results/`, and
from there to `docs/performance.md` (`bench/report.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.kernels import kernels
from bench.machine import ROOT, facts
from bench.sides import VERSION, Side, peer
from bench.synthetic import MIXES, make

CACHE = Path(os.environ.get("OLLAMARS_BENCH_MODELS", Path.home() / ".cache" / "ollamars-bench"))
TEST_MODELS = Path(
    os.environ.get("OLLAMARS_TEST_MODELS", Path.home() / ".cache" / "ollamars-test-models")
)
SYNTHETIC = [f"qwen2.5-0.5b-{mix}" for mix in MIXES] + ["llama-3.2-1b-q4_k_m"]
SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1"

Test = tuple[str, Callable[[Side], float]]
TESTS: list[Test] = [
    ("prefill 512", lambda side: 512 / side.prefill(0, 512)),
    ("decode 64", lambda side: 64 / side.decode(0, 64)),
    ("decode 8 x 16", lambda side: _eight(side)),
]
LONG: list[Test] = [
    ("prefill 4096", lambda side: 4096 / side.prefill(0, 4096)),
    ("decode 32 after 4096", lambda side: 32 / side.decode(4096, 32)),
]
"""Name, and tokens a second."""


def _eight(side: Side) -> float:
    for sequence in range(8):
        side.prefill(0, 128, sequence)
    return 8 * 16 / side.decode(128, 16, 8)


def model_path(name: str) -> Path:
    """The file of a model: a synthetic one is made at its first use."""
    if name in SYNTHETIC:
        shape, _, mix = name.rpartition("-")
        path = CACHE / f"{name}.gguf"
        make(shape, mix, path)
        return path
    return TEST_MODELS / f"{name}.gguf" if name == SMOLLM2 else Path(name)


def compare(path: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """All tests of one model."""
    threads = str(asked.threads)
    executor = f"cpu-{asked.level}" if asked.level else "cpu"
    theirs = Side("theirs.py", str(path), threads, path=peer(asked.peer))
    ours = Side("ours.py", str(path), threads, executor)
    result: dict[str, Any] = {
        "ours": ours.runs_with,
        "theirs": theirs.runs_with,
        "load_seconds": [ours.load_seconds, theirs.load_seconds],
        "peak_bytes": [ours.peak_bytes, theirs.peak_bytes],
        "file_bytes": path.stat().st_size,
        "tests": {},
    }
    for name, rate in TESTS + (LONG if asked.long else []):
        rounds = []
        for _ in range(asked.rounds):
            pair = []
            for side in (ours, theirs):
                time.sleep(0.1)
                pair.append(rate(side))
            rounds.append(pair)
        result["tests"][name] = {
            "ours": statistics.median(pair[0] for pair in rounds),
            "theirs": statistics.median(pair[1] for pair in rounds),
            "ratio": statistics.median(pair[0] / pair[1] for pair in rounds),
        }
        print(path.name, name, result["tests"][name], flush=True)
    ours.close()
    theirs.close()
    return result


def main() -> None:
    """Run, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", action="append", default=[], help="a model's name or path")
    parser.add_argument("--level", default="", help="instructions that ours uses")
    parser.add_argument("--peer", choices=("native", "avx2"), default="native")
    parser.add_argument("--long", action="store_true", help="4,096 tokens, too")
    parser.add_argument("--name", default="cpu", help="of the result")
    asked = parser.parse_args()
    names = asked.only or [*SYNTHETIC, SMOLLM2]
    paths = {Path(name).stem if "/" in name else name: model_path(name) for name in names}
    result: dict[str, Any] = {
        **facts(),
        "threads": asked.threads,
        "rounds": asked.rounds,
        "peer": f"llama-cpp-python {VERSION}, {asked.peer}",
        "models": {name: compare(path, asked) for name, path in paths.items() if path.exists()},
    }
    if asked.name == "cpu":
        runs_with = {model["ours"] for model in result["models"].values()}
        result["kernels"] = kernels(max(runs_with).removeprefix("cpu-").partition("/")[0])
    target = ROOT / "bench" / "results" / f"{asked.name}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written to {target}")


if __name__ == "__main__":
    main()
