"""Measures what structured output costs: compiling a format, and the mask of each token.

    python bench/grammar.py [VOCABULARY.gguf]

The default vocabulary is qwen2's (152,000 tokens) of the test models. Texts are given, or drawn at
random under 200 schemas, which is the harder case: strings of anything. The result goes to
`bench/results/grammar.json`; times are in microseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.schemas import Schemas

from bench.machine import ROOT, facts

VOCABULARY = Path.home() / ".cache/ollamars-test-models/vocab/ggml-vocab-qwen2.gguf"
DRAWN = 200
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "born": {"type": "string", "format": "date"},
        "email": {"type": "string", "format": "email"},
        "tags": {"type": "array", "items": {"enum": ["staff", "guest"]}, "maxItems": 5},
        "friend": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    },
    "required": ["name", "born", "tags", "friend"],
    "additionalProperties": False,
}
TEXT = json.dumps(
    {
        "name": "Grace Brewster Murray Hopper, Rear Admiral",
        "born": "1906-12-09",
        "email": "grace.hopper@example.com",
        "tags": ["staff", "guest"],
        "friend": {"name": "Ada Lovelace", "born": "1815-12-10", "tags": [], "friend": None},
    }
)
GBNF = r"""
root ::= "{" s "\"" k "\"" ":" s v ("," s "\"" k "\"" ":" s v)* "}"
k ::= [^"\\\x00-\x1f]*
v ::= string | "[" (v ("," s v)*)? "]" | root | "null"
string ::= "\"" ([^"\\\x00-\x1f] | "\\" ["\\nrt])* "\""
s ::= " "?
"""
GIVEN = [
    ("json", "json", "", TEXT),
    ("schema", "schema", json.dumps(PERSON), TEXT),
    ("regex", "regex", r"[A-Z][a-z]+( [a-z,]+)*\.", "The quick brown fox jumps over the lazy dog."),
    ("gbnf", "gbnf", GBNF, TEXT),
]


def cases() -> Iterator[dict[str, str]]:
    """The cases as the measuring program takes them."""
    for _, kind, format, text in GIVEN:
        yield {"kind": kind, "format": format, "text": text}
    schemas = Schemas(7)
    for _ in range(DRAWN):
        yield {"kind": "schema", "format": json.dumps(schemas.draw())}


def measured(vocabulary: Path) -> list[dict[str, Any]]:
    """What the program says, line by line."""
    program = ["-p", "ollamars-grammar", "--example", "masks", "--", str(vocabulary)]
    command = ["cargo", "run", "--quiet", "--release", *program]
    lines = "".join(json.dumps(case) + "\n" for case in cases())
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def spread(nanoseconds: Sequence[int]) -> dict[str, float]:
    """Median, 99th percentile and maximum in microseconds."""
    ordered = sorted(nanoseconds)
    last = ordered[int(len(ordered) * 0.99)]
    values = {"median": statistics.median(ordered), "p99": last, "max": ordered[-1]}
    return {name: round(value / 1000, 1) for name, value in values.items()}


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The times of some cases together."""
    masks = [time for row in rows for time in row["mask"]]
    accepts = [time for row in rows for time in row["accept"]]
    return {
        "masks": len(masks),
        "compile": spread([row["compile"] for row in rows]),
        "mask": spread(masks),
        "accept": spread(accepts),
    }


def main() -> None:
    """Run, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vocabulary", nargs="?", type=Path, default=VOCABULARY)
    asked = parser.parse_args()
    first, *rows = measured(asked.vocabulary)
    named = {name: summary([row]) for (name, *_), row in zip(GIVEN, rows, strict=False)}
    result = {
        "vocabulary": asked.vocabulary.name,
        "tokens": first["tokens"],
        "build_milliseconds": round(first["build"] / 1e6, 1),
        "given texts": named,
        f"{DRAWN} drawn schemas": summary(rows[len(GIVEN) :]),
        **facts(),
    }
    target = ROOT / "bench" / "results" / "grammar.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
