"""llama.cpp through its Python bindings: times steps on command; see `bench/sides.py`.

`python theirs.py MODEL THREADS CONTEXT SEQUENCES`, the folder of the build in `PYTHONPATH`. Flash
attention is on, the cache is of `f16`, a step takes up to 512 tokens: what Ollama uses.
"""

from __future__ import annotations

import ctypes
import importlib
import resource
import sys
import time
from typing import Any

llama: Any = importlib.import_module("llama_cpp.llama_cpp")


@llama.llama_log_callback  # type: ignore[untyped-decorator]
def silent(*_: Any) -> None:
    """Drop a log line."""


class Theirs:
    """A model with a context."""

    def __init__(self, path: str, threads: int, context: int, sequences: int) -> None:
        begin = time.perf_counter()
        llama.llama_log_set(silent, ctypes.c_void_p(0))
        llama.llama_backend_init()
        model_params = llama.llama_model_default_params()
        model_params.n_gpu_layers = 0
        self.model = llama.llama_model_load_from_file(path.encode(), model_params)
        params = llama.llama_context_default_params()
        params.n_ctx = context * sequences
        params.n_batch, params.n_ubatch, params.n_seq_max = 2048, 512, sequences
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = 1
        self.context = llama.llama_init_from_model(self.model, params)
        self.memory = llama.llama_get_memory(self.context)
        self.n_vocab = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.model))
        self.load_seconds = time.perf_counter() - begin

    def prefill(self, start: int, tokens: int, sequence: int) -> float:
        """Seconds in which a sequence takes a prompt."""
        self._forget(sequence, start)
        seconds = 0.0
        for first in range(start, start + tokens, 2048):
            last = min(first + 2048, start + tokens)
            rows = [(at, sequence, at + 1 == start + tokens) for at in range(first, last)]
            seconds += self._step(rows)
        return seconds

    def decode(self, start: int, tokens: int, sequences: int) -> float:
        """Seconds in which each sequence takes tokens one by one."""
        for sequence in range(sequences):
            self._forget(sequence, start)
        return sum(
            self._step([(at, sequence, True) for sequence in range(sequences)])
            for at in range(start, start + tokens)
        )

    def _forget(self, sequence: int, start: int) -> None:
        llama.llama_memory_seq_rm(self.memory, sequence, start, -1)

    def _step(self, rows: list[tuple[int, int, bool]]) -> float:
        batch = llama.llama_batch_init(len(rows), 0, 1)
        batch.n_tokens = len(rows)
        for index, (at, sequence, wanted) in enumerate(rows):
            batch.token[index] = (self.n_vocab // 4 + 37 * at + sequence) % (self.n_vocab // 2 + 1)
            batch.pos[index] = at
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = wanted
        begin = time.perf_counter()
        if llama.llama_decode(self.context, batch) != 0:
            raise RuntimeError("llama_decode failed")
        llama.llama_synchronize(self.context)
        seconds = time.perf_counter() - begin
        llama.llama_batch_free(batch)
        return seconds


def main() -> None:
    path, *sizes = sys.argv[1:]
    theirs = Theirs(path, *map(int, sizes))
    features = llama.llama_print_system_info().decode().strip()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(theirs.load_seconds, peak, features, flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        start, tokens, sequences = map(int, numbers)
        run = theirs.prefill if command == "prefill" else theirs.decode
        print(run(start, tokens, sequences), flush=True)


if __name__ == "__main__":
    main()
