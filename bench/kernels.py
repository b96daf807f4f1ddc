"""Each kernel's share of what the processor can do, from the bench of the kernels crate."""

from __future__ import annotations

import re
import subprocess
from typing import Any

from bench.machine import ROOT

_ROW = re.compile(
    r"^(?P<level>\w+) +(?P<type>\w+) +(?P<decode>[\d.]+) +(?P<read>\d+) % +(?P<pack>[\d.]+) +"
    r"(?P<eight>[\d.]+) +(?P<prefill>[\d.]+) +(?P<peak>\d+) %$"
)


def kernels(level: str) -> dict[str, Any]:
    """Rates of a level on one thread, next to reading and to the dot product instruction."""
    command = f"cargo run --release --quiet -p ollamars-kernels --example bench -- {level}"
    done = subprocess.run(command.split(), cwd=ROOT, capture_output=True, text=True, check=True)
    read, read_of_two, rows = 0.0, 0.0, []
    for line in done.stdout.splitlines():
        if line.startswith("reading:"):
            read = float(line.split()[1])
        elif line.startswith("reading on two threads:"):
            read_of_two = float(line.split()[4])
        elif row := _ROW.match(line):
            rows.append(row.groupdict())
    return {
        "read_gigabytes_per_second": read,
        "two_threads_read_gigabytes_per_second": read_of_two,
        "level": level,
        "types": {
            row["type"]: {
                "decode_gigabytes_per_second": float(row["decode"]),
                "decode_share_of_reading": int(row["read"]) / 100,
                "prefill_gigamacs_per_second": float(row["prefill"]),
                "prefill_share_of_peak": int(row["peak"]) / 100,
            }
            for row in rows
        },
    }
