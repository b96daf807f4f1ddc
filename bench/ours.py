"""Ours: times steps on command. `python ours.py MODEL THREADS EXECUTOR`; see `bench/sides.py`."""

from __future__ import annotations

import resource
import sys

from ollamars import _core

CONTEXT, SEQUENCES = 4352, 8


def main() -> None:
    path, threads, executor = sys.argv[1:]
    meter = _core.Meter(
        path, exec=executor, threads=int(threads), context=CONTEXT, sequences=SEQUENCES
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(meter.load_seconds, peak, meter.exec, flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        start, tokens, sequences = map(int, numbers)
        if command == "prefill":
            seconds = meter.prefill(tokens, start=start, sequence=sequences)
        else:
            seconds = meter.decode(tokens, start=start, sequences=sequences)
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
