"""Measures the default model: prefill, decode, and eight streams at once against eight in a row.

    python bench/run.py [MODEL] [--rounds 5]

MODEL is a stored name or a GGUF path (default: smollm2:135m). Every figure is the median of the
rounds; what is compared runs in turn within a round. The result goes to `bench/results/`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.machine import ROOT, facts
from ollamars import Model

STREAMS = 8
PROMPT = 512
TOKENS = 32
GREEDY = {"temperature": 0, "num_predict": TOKENS, "ignore_eog": True}


def seconds(work: Callable[[], object]) -> float:
    """Wall time of a call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def one_round(model: Model) -> dict[str, float]:
    """One measurement of everything, in tokens a second and ratios."""
    long = model.detokenize([1000 + 7 * i for i in range(PROMPT)])
    whole = model.generate(long, stream=False, temperature=0, num_predict=1)
    alone = model.generate("Once upon a time", stream=False, **GREEDY)
    prompts = [f"Chapter {i}. Once upon a time" for i in range(STREAMS)]

    def ask(prompt: str) -> int:
        return model.generate(prompt, stream=False, **GREEDY).eval_tokens

    in_a_row = seconds(lambda: [ask(prompt) for prompt in prompts])
    with ThreadPoolExecutor(STREAMS) as pool:
        at_once = seconds(lambda: list(pool.map(ask, prompts)))
    return {
        "prefill_tokens_per_second": whole.prompt_tokens / whole.prompt_duration * 1e9,
        "decode_tokens_per_second": (alone.eval_tokens - 1) / alone.eval_duration * 1e9,
        "eight_in_a_row_over_eight_at_once": in_a_row / at_once,
    }


def main() -> None:
    """Run, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="smollm2:135m")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    begin = time.perf_counter()
    with Model(asked.model) as model:
        load = time.perf_counter() - begin
        rounds = [one_round(model) for _ in range(asked.rounds)]
    medians = {key: statistics.median(row[key] for row in rounds) for key in rounds[0]}
    result = {
        "model": Path(asked.model).name,
        "load_seconds": load,
        **medians,
        "rounds": asked.rounds,
        **facts(),
    }
    target = ROOT / "bench" / "results" / "first-light.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
