"""How the cpu executor does beside other work: `python bench/neighbours.py [MODEL.gguf]`.

Decode rates of one and two threads alone and beside a busy loop on one core, and of two processes
at once; processor time of an idle model. The result goes to `bench/results/neighbours.json`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.machine import ROOT, facts
from bench.run import SMOLLM2, model_path
from bench.sides import Side

TOKENS, ROUNDS = 256, 5
BUSY = "import os\nos.sched_setaffinity(0, {%d})\nwhile True: pass"


def rate(side: Side) -> float:
    """Tokens a second: the median of the rounds."""
    return TOKENS / statistics.median(side.decode(0, TOKENS) for _ in range(ROUNDS))


def beside(work: Callable[[], float]) -> float:
    """What `work` gives while a loop keeps one core busy."""
    core = max(os.sched_getaffinity(0))
    loop = subprocess.Popen([sys.executable, "-c", BUSY % core])
    time.sleep(0.5)
    try:
        return work()
    finally:
        loop.kill()
        loop.wait()


def idle_share(side: Side) -> float:
    """Share of one core that a loaded model takes while nobody asks it anything."""
    time.sleep(0.5)
    begin, start = side.processor_seconds(), time.perf_counter()
    time.sleep(5)
    return (side.processor_seconds() - begin) / (time.perf_counter() - start)


def main() -> None:
    """Run, print and write the result."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else model_path(SMOLLM2)
    one = Side("ours.py", str(path), "1", "cpu")
    two, other = (Side("ours.py", str(path), "2", "cpu") for _ in range(2))
    result = {
        **facts(),
        "model": path.stem,
        "one_thread": rate(one),
        "one_thread_beside_a_busy_core": beside(lambda: rate(one)),
        "two_threads": rate(two),
        "two_threads_beside_a_busy_core": beside(lambda: rate(two)),
        "idle_share_of_a_core": idle_share(two),
    }
    with ThreadPoolExecutor(2) as pool:
        result["two_processes_of_two_threads"] = list(pool.map(rate, (two, other)))
    for side in (one, two, other):
        side.close()
    (ROOT / "bench" / "results" / "neighbours.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
