"""What the machine is, for people who compare measurements."""

from __future__ import annotations

import os
import platform
import resource
import sys
from pathlib import Path


def processor() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def cores() -> int:
    """Processors that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def system() -> str:
    """Operating system and architecture, such as `Linux x86_64`."""
    return f"{platform.system()} {platform.machine()}"


def peak_memory() -> int:
    """Most bytes that this process has had in memory, pages of mapped files included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
