"""The recorded HTTP cases against a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.served import Served
from tests.support import shared

GROUPS = (
    "root,version,tags,ps,show,copy,delete,blobs,names,options,generate,chat,smol,http,create,"
    "embed,embeddings,"
    "openai.chat,openai.completions,openai.embeddings,openai.models,openai.responses,"
    "anthropic,status,pull,push"
)
ENVIRONMENT = {"OLLAMA_MAX_LOADED_MODELS": "24", "OLLAMA_NUM_PARALLEL": "1"}
TABLE = Path(__file__).with_name("later.txt")


def known_failures() -> set[str]:
    """The cases of the table."""
    _, *sections = TABLE.read_text(encoding="utf-8").split("\n# ")
    return {case for section in sections for case in section.splitlines()[1:] if case}


def conformance_models() -> Path:
    """The folder of the models that the cases use; skips where it was not made."""
    default = Path.home() / ".cache/conf-models"
    folder = Path(os.environ.get("OLLAMARS_CONFORMANCE_MODELS", default))
    if not (folder / "text.gguf").exists():
        pytest.skip("models of the recorded cases not here")
    return folder


@pytest.mark.slow
def test_every_recorded_case_but_the_known_ones_passes(tmp_path: Path) -> None:
    replay, models = shared("conformance", "replay.py"), conformance_models()
    failed = tmp_path / "failed"
    with Served(tmp_path, ENVIRONMENT) as server:
        command = [sys.executable, str(replay), "--base-url", server.base_url]
        arguments = [
            "--models",
            str(models),
            "--only",
            GROUPS,
            "--failed-ids",
            str(failed),
        ]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=600)
    assert failed.exists(), done.stdout + done.stderr
    print(done.stdout[done.stdout.rfind("FAIL") :])
    failures = set(failed.read_text(encoding="utf-8").splitlines())
    new = failures - known_failures()
    assert not new, "\n".join(_told(done.stdout, case) for case in sorted(new))
    fixed = known_failures() - failures
    assert not fixed, f"these pass now, take them out of the table: {sorted(fixed)}"


def _told(output: str, case: str) -> str:
    """What the replay said about a case."""
    return output.partition(f"FAIL {case}\n")[2].partition("\nFAIL ")[0]
