"""`bench`: how fast a model runs on this machine, without a server."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ollamars import _core, machine
from ollamars.cli.commands import Call
from ollamars.cli.errors import UsageError
from ollamars.cli.format import human_bytes
from ollamars.cli.tables import table
from ollamars.errors import ModelError
from ollamars.local import open_model
from ollamars.version import own_version


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is measured."""

    prompt: int
    """Tokens of the prompt."""
    tokens: int
    """Tokens that each sequence decodes after it."""
    batch: int
    """Sequences that decode in one step."""
    threads: int
    """0: physical cores."""
    rounds: int

    @classmethod
    def of(cls, flags: Mapping[str, Any]) -> Sizes:
        """From the command line. Raises `UsageError` for a size below its least."""
        values = {name: int(flags.get(name, default)) for name, default, _ in _SIZES}
        for name, _, least in _SIZES:
            if not least <= values[name] <= _MOST:
                raise UsageError(f"--{name} must be between {least} and {_MOST}")
        return cls(**values)


_MOST = 1 << 20
_SIZES = (
    ("prompt", 512, 1),
    ("tokens", 64, 1),
    ("batch", 1, 1),
    ("threads", 0, 0),
    ("rounds", 3, 1),
)
"""Flag, default, least value."""


def bench(call: Call) -> int:
    """Measure a stored model or a GGUF file; prints a table, or JSON with `--json`."""
    model = call.args[0]
    sizes = Sizes.of(call.flags)
    path = open_model(model).path
    try:
        result = measure(path, sizes, exec=call.config.executor)
    except _core.CoreError as error:
        raise ModelError(str(error)) from None
    result = {"model": Path(model).name, **result}
    if call.flag("json"):
        print(json.dumps(result, indent=1))
    else:
        print(_table(result), end="")
    return 0


def measure(path: Path, sizes: Sizes, *, exec: str = "") -> dict[str, Any]:
    """Load the file and time its steps; rates are medians of the rounds.

    Raises `CoreError`, `OSError`.
    """
    meter = _core.Meter(
        str(path),
        exec=exec,
        threads=sizes.threads,
        context=sizes.prompt + sizes.tokens,
        sequences=sizes.batch,
    )
    prefills, decodes = [], []
    for _ in range(sizes.rounds):
        for sequence in range(sizes.batch):
            prefills.append(meter.prefill(sizes.prompt, sequence=sequence))
        decodes.append(meter.decode(sizes.tokens, start=sizes.prompt, sequences=sizes.batch))
    return {
        "prefill_tokens_per_second": sizes.prompt / statistics.median(prefills),
        "decode_tokens_per_second": sizes.tokens * sizes.batch / statistics.median(decodes),
        "load_seconds": meter.load_seconds,
        "peak_memory_bytes": machine.peak_memory(),
        "model_memory_bytes": meter.memory,
        "kernels": meter.exec,
        **asdict(sizes),
        "machine": machine.processor(),
        "cores": machine.cores(),
        "system": machine.system(),
        "version": own_version(),
    }


def _table(result: Mapping[str, Any]) -> str:
    head = ["MODEL", "KERNELS", "THREADS", "TEST", "TOKENS/S"]
    threads = str(result["threads"] or "cores")
    start = [result["model"], result["kernels"], threads]
    decode = f"decode {result['tokens']}"
    if result["batch"] > 1:
        decode += f" x {result['batch']}"
    rows = [
        [*start, f"prefill {result['prompt']}", f"{result['prefill_tokens_per_second']:.1f}"],
        [*start, decode, f"{result['decode_tokens_per_second']:.1f}"],
    ]
    peak = human_bytes(result["peak_memory_bytes"])
    return (
        table(rows, header=head)
        + f"\nloaded in {result['load_seconds']:.2f} s, at most {peak} of memory; "
        + f"{result['machine']}, {result['cores']} cores, {result['system']}\n"
    )
