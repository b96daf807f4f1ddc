"""A whole session of command lines with a real model, as recorded from Ollama v0.33.

Not compared: ages, durations, the memory that a loaded model takes, the words that the model says,
which depend on the order of additions, and the ID of the model that holds those words. The
recording has sorted the values of `stop`, which the original shows as they are stored.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.golden.test_cli import load_runner
from tests.served import Served
from tests.support import golden, test_model

WORDS = [
    "La femme de France, le Grand Croix, is",
    "The colour is red.",
    "L'am",
    '{\n  "title": "Paris",\n  "description":',
]
"""What the model said in the recording."""
_AGE = r"(?:\d+ \w+|Less than a second|About an? \w+)(?: ago| from now)"
_MASKS = [
    (r" +$", ""),
    (rf"{_AGE}$", "$AGE"),
    (r"(duration: +)\S+$", r"\1$T"),
    (r"(rate: +)\S+ ", r"\1$T "),
    (r"[\d.]+ [MG]B +100% CPU", "$SIZE  100% CPU"),
    (r"SIZE +PROCESSOR", "SIZE  PROCESSOR"),
    (r"^(smol-s:latest +)[0-9a-f]{12}", r"\1$ID"),
]


def masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = re.sub(pattern, mask, text, flags=re.MULTILINE)
    return re.sub(r"(?:^.*\bstop\b.*\n)+", _sorted_lines, text, flags=re.MULTILINE)


def _sorted_lines(match: re.Match[str]) -> str:
    return "".join(sorted(match[0].splitlines(keepends=True)))


def words_masked(text: str) -> str:
    """The recording with `.+` for what the model said."""
    pattern = re.escape(masked(text))
    for words in WORDS:
        pattern = pattern.replace(re.escape(words), r"(?s:.+?)")
    return pattern


class Session:
    """The program in one folder, with one server."""

    def __init__(self, server: Served, folder: Path, runner: ModuleType) -> None:
        self.server = server
        self.folder = folder
        self.runner = runner
        self.env = server.env | {
            "OLLAMA_HOST": server.base_url,
            "TERM": "xterm-256color",
            "NO_COLOR": "1",
        }

    def norm(self, text: str) -> str:
        return text.replace(str(self.server.models), "$MODELS")

    def play(self, step: dict[str, Any]) -> dict[str, Any]:
        argv = [sys.executable, "-m", "ollamars", *step["argv"]]
        if "tty" in step:
            screen, code = self.runner.run_tty(
                argv, self.env, str(self.folder), step["tty"], self.norm, 80, 60
            )
            return {"screen": screen, "exit": code}
        done = subprocess.run(
            argv,
            env=self.env,
            cwd=self.folder,
            input=step.get("stdin", ""),
            capture_output=True,
            text=True,
            timeout=120,
        )
        found: dict[str, Any] = {"stdout": self.norm(done.stdout), "exit": done.returncode}
        if "\x1b" in done.stderr:
            found["stderr_screen"] = self.runner.screen(done.stderr)
        else:
            found["stderr"] = done.stderr
        return found


def check(step: dict[str, Any], found: dict[str, Any]) -> None:
    for key, expected in step["expect"].items():
        if key == "exit":
            assert found[key] == expected, found
            continue
        recorded = expected if isinstance(expected, str) else "\n".join(expected)
        value = found.get(key)
        assert value is not None, (key, found)
        text = masked(value if isinstance(value, str) else "\n".join(value))
        assert re.fullmatch(words_masked(recorded), text), (step["argv"], key, recorded, text)


def test_recorded_session(tmp_path: Path) -> None:
    case = next(case for case in golden("cli") if case["id"] == "e2e-smollm2")
    gguf = test_model("SmolLM2-135M-Instruct.Q4_1.gguf")
    work = tmp_path / "work"
    work.mkdir()
    (work / "smollm2.gguf").symlink_to(gguf)
    with Served(tmp_path) as server:
        session = Session(server, work, load_runner())
        for step in case["sequence"]:
            if "file" in step:
                (work / step["file"]).write_text(step["text"])
                continue
            check(step, session.play(step))
