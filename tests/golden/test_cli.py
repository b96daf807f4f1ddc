"""Command lines as recorded from Ollama v0.33, against a scripted server.

The recordings' own runner starts the program, plays the server and compares; here it runs several
cases at a time.
"""

from __future__ import annotations

import importlib.util
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ollamars
from tests.support import golden, has_shared, shared

WORDS = " ".join(["word"] * 40)
BETTER: dict[str, dict[str, Any]] = {
    # The original wraps at 80 columns into a pipe, with escape sequences.
    "run-wrap-not-tty": {"stdout": WORDS + " \n\n"},
    # It prints a part of a word twice that is longer than the line.
    "tty-wrap": {
        "screen": [
            ">>> hi",
            *[" ".join(["word"] * count) for count in (15, 15, 10)],
            "averyveryverylongwordthatdoesnotfitonthelineatallbecauseitismuchlongerthansevent",
            "ycharacters end",
            "",
            "",
            ">>> /bye",
        ]
    },
    # It loses the first newline of a system message.
    "tty-set-system-multiline": {
        "screen": [
            '>>> /set system """line one',
            '... line two"""',
            "Set system message.",
            ">>> /show system",
            "line one",
            "line two",
            "",
            ">>> /bye",
        ],
        "requests": None,
    },
}
"""Cases that show a fault of the original, and what happens here instead (None: not compared)."""

CASES: list[dict[str, Any]] = []
if has_shared():
    CASES = [case for case in golden("cli") if not case.get("real_server")]
PLAYED = [case for case in CASES if "help" not in case]
HELP = [case for case in CASES if "help" in case]
AT_ONCE = 6


def names(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in cases]


def load_runner() -> ModuleType:
    """The recordings' runner; it takes 0.0.0 for the version under test."""
    path = shared("tools", "cli_cases.py")
    spec = importlib.util.spec_from_file_location("cli_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    return load_runner()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program under the recordings' version, whatever the installed one is."""
    path = tmp_path_factory.mktemp("bin") / "ollamars"
    package = Path(ollamars.__file__).parent.parent
    path.write_text(
        f"#!{sys.executable}\n"
        f"import sys\nsys.path.insert(0, {str(package)!r})\n"
        "import ollamars\nollamars.__version__ = '0.0.0'\n"
        "from ollamars.__main__ import main\nsys.exit(main())\n"
    )
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, runner: ModuleType, program: str
) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """The outcome of every case that was selected."""
    items: list[Any] = request.session.items
    chosen = [
        item.callspec.params["case"]
        for item in items
        if item.path == Path(__file__) and item.originalname == "test_recorded_case"
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {case["id"]: pool.submit(runner.run_case, program, case) for case in chosen}


def port_in_use(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("case", names(PLAYED))
def test_recorded_case(
    case: dict[str, Any], outcomes: dict[str, Future[dict[str, Any]]], runner: ModuleType
) -> None:
    if case.get("needs_free_port_11434") and port_in_use(11434):
        pytest.skip("something listens on port 11434")
    found = outcomes[case["id"]].result()
    for key, expected in (case["expect"] | BETTER.get(case["id"], {})).items():
        if expected is not None:
            assert found.get(key) == expected, key


def facts(text: str) -> dict[str, Any]:
    """Names of commands, flags and variables of a help text."""
    sections = dict(re.findall(r"^([A-Z][A-Za-z ]*):\n((?:[ \t]+\S.*\n)+)", text, re.MULTILINE))
    found: dict[str, Any] = {}
    rows = {name: [line.split() for line in body.splitlines()] for name, body in sections.items()}
    if "Available Commands" in rows:
        found["commands"] = [row[0] for row in rows["Available Commands"]]
    flags = re.findall(
        r"^ +(?:(-\w), )?(--[\w-]+)(?: (string|int)\b)?", sections.get("Flags", ""), re.MULTILINE
    )
    found["flags"] = [[part for part in flag if part] for flag in flags]
    if "Environment Variables" in rows:
        found["env"] = [row[0] for row in rows["Environment Variables"]]
    return found


@pytest.mark.parametrize("case", names([case for case in HELP if "tty" not in case]))
def test_recorded_help(case: dict[str, Any], program: str) -> None:
    result = subprocess.run(
        [program, *case["argv"]], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    streams = {"stdout": result.stdout, "stderr": result.stderr}
    assert result.returncode == case["expect"]["exit"]
    assert facts(streams.pop(case["expect"]["stream"])) == case["expect"]["facts"]
    assert list(streams.values()) == [""]


@pytest.mark.parametrize("case", names([case for case in HELP if "tty" in case]))
def test_recorded_help_of_the_chat(case: dict[str, Any], runner: ModuleType, program: str) -> None:
    found = runner.run_case(program, case)
    text = "\n".join(re.sub(r" +", " ", line) for line in found["screen"])
    assert found["exit"] == case["expect"]["exit"]
    missing = [fact for fact in case["expect"]["facts"] if fact not in text]
    assert missing == []
