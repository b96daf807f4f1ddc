"""Which machine, which commit, which day: what every result names."""

from __future__ import annotations

import datetime
import platform
import subprocess
from pathlib import Path
from typing import Any

from ollamars import machine

ROOT = Path(__file__).resolve().parent.parent


def facts() -> dict[str, Any]:
    """Machine, versions, commit and date of a measurement."""
    return {
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "cpu": machine.processor(),
        "cores": machine.cores(),
        "python": platform.python_version(),
        "system": machine.system(),
    }


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
