"""Makes and fetches what the recorded data is about: `make test-data`.

Runs the makers that lie beside the recorded data; without that data there is nothing to do. What
is there already stays.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("OLLAMARS_SHARED", ROOT.parent / "shared"))
ZOO = Path(os.environ.get("OLLAMARS_ZOO", Path.home() / ".cache/zoo"))
MODELS = Path(os.environ.get("OLLAMARS_TEST_MODELS", Path.home() / ".cache/ollamars-test-models"))
CONFORMANCE = Path(
    os.environ.get("OLLAMARS_CONFORMANCE_MODELS", Path.home() / ".cache/conf-models")
)


def run(*command: str | Path) -> None:
    subprocess.run([sys.executable, *map(str, command)], check=True)


def main() -> None:
    if not SHARED.exists():
        print("no recorded data: the tests that need it will skip")
        return
    if not CONFORMANCE.exists():
        run(SHARED / "conformance" / "make_models.py", CONFORMANCE)
    tools, zoo = SHARED / "tools", SHARED / "zoo"
    if not ZOO.exists():
        ZOO.mkdir(parents=True)
        run(tools / "make_zoo.py", "--cases", zoo / "cases.json", "--out", ZOO)
    run(tools / "fetch_models.py", "--dest", MODELS)


if __name__ == "__main__":
    main()
