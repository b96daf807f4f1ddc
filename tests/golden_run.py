"""Runs the files of recorded rows in a folder and counts those that pass.

usage: python tests/golden_run.py DIR [--data DIR2] [--only NAME] [--show N]

Tables, template libraries and inputs that DIR lacks are taken from DIR2. The exit status is 1 when
a row failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file
    sys.path.insert(0, str(ROOT))

from tests.golden.data import Data  # noqa: E402 - needs the path
from tests.golden.files import FILES, failures  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run the files; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--data", metavar="DIR2", type=Path, help="where else to look for tables")
    parser.add_argument("--only", metavar="NAME", choices=FILES, help="run one file")
    parser.add_argument("--show", metavar="N", type=int, default=3, help="failures to show a file")
    given = parser.parse_args(arguments)
    data = Data(given.folder, *([given.data] if given.data else []))
    names = [given.only] if given.only else list(FILES)
    names = [name for name in names if data.find(name, own=True)]
    if not names:
        parser.error(f"{given.folder} holds no file of recorded rows that is asked for")
    counts = [_run(name, data, given.show) for name in names]
    passed, failed = map(sum, zip(*counts, strict=True))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _run(name: str, data: Data, shown: int) -> tuple[int, int]:
    rows = data.rows(name)
    failed = failures(name, rows, data)
    print(f"{name}: {len(rows) - len(failed)} passed, {len(failed)} failed", flush=True)
    for failure in failed[:shown]:
        print(f"  {failure.id}: {failure.how}")
    return len(rows) - len(failed), len(failed)


if __name__ == "__main__":
    sys.exit(main())
