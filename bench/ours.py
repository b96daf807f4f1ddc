"""Ours: times steps on command; see `bench/sides.py`.

`python ours.py MODEL THREADS EXECUTOR CONTEXT SEQUENCES`
"""

from __future__ import annotations

import sys

from ollamars import _core, machine


def main() -> None:
    path, threads, executor, context, sequences = sys.argv[1:]
    meter = _core.Meter(
        path,
        exec=executor,
        threads=int(threads),
        context=int(context),
        sequences=int(sequences),
    )
    print(meter.load_seconds, machine.peak_memory(), meter.exec, flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        start, tokens, which = map(int, numbers)
        if command == "prefill":
            seconds = meter.prefill(tokens, start=start, sequence=which)
        else:
            seconds = meter.decode(tokens, start=start, sequences=which)
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
