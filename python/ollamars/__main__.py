"""`ollamars` and `python -m ollamars`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    from ollamars.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
