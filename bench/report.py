"""Writes the tables and the plot of `docs/performance.md` from `bench/results/`.

    python bench/report.py

What lies between the marks of a table in the document is replaced; the text around it is written by
hand.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.machine import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
RESULTS = ROOT / "bench" / "results"


def main() -> None:
    """Replace every table, draw the plot."""
    text = DOCUMENT.read_text()
    for path in sorted(RESULTS.glob("cpu*.json")):
        result = json.loads(path.read_text())
        text = _replace(text, path.stem, _models(result))
        if path.stem == "cpu":
            text = _replace(text, "kernels", _kernels(result))
            text = _replace(text, "loading", _loading(result))
            PLOT.write_text(_plot(result))
    DOCUMENT.write_text(text)


def _replace(text: str, name: str, table: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
    if not pattern.search(text):
        raise ValueError(f"{DOCUMENT} has no place for {name}")
    return pattern.sub(lambda _: begin + table + end, text)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _where(result: dict[str, Any]) -> str:
    return (
        f"{result['date']}, {result['cpu']}, {result['threads']} threads, commit "
        f"{result['commit']}, median of {result['rounds']} rounds, against {result['peer']}. "
        "Tokens a second, ours / llama.cpp, and the ratio.\n\n"
    )


def _models(result: dict[str, Any]) -> str:
    names = list(
        dict.fromkeys(test for model in result["models"].values() for test in model["tests"])
    )
    rows = []
    for model, measured in result["models"].items():
        cells = [_cell(measured["tests"].get(name)) for name in names]
        rows.append([model, *cells])
    used = {(model["ours"], model["theirs"]) for model in result["models"].values()}
    features = "".join(f"\nOurs: `{ours}`. llama.cpp: {theirs}\n" for ours, theirs in sorted(used))
    return _where(result) + _table(["model", *names], rows) + features


def _cell(test: dict[str, float] | None) -> str:
    if test is None:
        return ""
    return f"{test['ours']:,.0f} / {test['theirs']:,.0f} = **{test['ratio']:.2f}**"


def _loading(result: dict[str, Any]) -> str:
    rows = []
    for model, measured in result["models"].items():
        seconds = " / ".join(f"{value:.2f}" for value in measured["load_seconds"])
        peak = " / ".join(f"{value / 1e6:,.0f}" for value in measured["peak_bytes"])
        read = measured["file_bytes"] * measured["tests"]["decode 64"]["ours"] / 1e9
        share = read / result["kernels"]["two_threads_read_gigabytes_per_second"]
        file = f"{measured['file_bytes'] / 1e6:,.0f}"
        rows.append([model, file, seconds, peak, f"{read:.1f} ({share:.0%})"])
    head = ["model", "file, MB", "load, s: ours / llama.cpp", "peak memory, MB"]
    head.append("our decode reads, GB/s (of plain reading)")
    return _table(head, rows)


def _kernels(result: dict[str, Any]) -> str:
    kernels = result["kernels"]
    head = ["type", "decode, GB/s", "of reading", "prefill, 10^9 multiply-adds/s", "of the peak"]
    rows = [
        [
            name,
            f"{row['decode_gigabytes_per_second']:.1f}",
            f"{row['decode_share_of_reading']:.0%}",
            f"{row['prefill_gigamacs_per_second']:.0f}",
            f"{row['prefill_share_of_peak']:.0%}",
        ]
        for name, row in kernels["types"].items()
    ]
    read = f"One thread, `{kernels['level']}`; plain reading: "
    read += f"{kernels['read_gigabytes_per_second']:.1f} GB/s, on two threads "
    read += f"{kernels['two_threads_read_gigabytes_per_second']:.1f} GB/s.\n\n"
    return read + _table(head, rows)


def _plot(result: dict[str, Any]) -> str:
    """Ratios as bars, drawn by matplotlib without a date inside."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "ollamars"
    import io

    from matplotlib import pyplot

    models = result["models"]
    names = list(dict.fromkeys(test for model in models.values() for test in model["tests"]))
    figure, axes = pyplot.subplots(figsize=(9, 0.55 * len(models) * len(names) / 2 + 1.5))
    height = 0.8 / len(names)
    for index, name in enumerate(names):
        ratios = [model["tests"].get(name, {}).get("ratio", 0) for model in models.values()]
        places = [at + index * height for at in range(len(models))]
        bars = axes.barh(places, ratios, height=height, label=name)
        axes.bar_label(bars, fmt="%.1f", fontsize=8, padding=2)
    axes.set_yticks([at + 0.4 - height / 2 for at in range(len(models))], list(models))
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel(f"times as fast as llama.cpp ({result['cpu']}, {result['threads']} threads)")
    axes.legend(fontsize=8)
    figure.tight_layout()
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
