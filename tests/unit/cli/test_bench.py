"""`bench`: what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tiny_gguf import random_model
from tests.unit.cli.conftest import Run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("bench") / "tiny.gguf", context=64)


def test_table_and_json(run: Run, model: Path) -> None:
    table = run(None, "bench", str(model), "-p", "8", "-n", "4", "-r", "1", "-b", "2", "-t", "1")
    assert table.code == 0, table.err
    head, prefill, decode, *_ = table.out.splitlines()
    assert head.split() == ["MODEL", "KERNELS", "THREADS", "TEST", "TOKENS/S"]
    assert prefill.startswith("tiny.gguf")
    assert " prefill 8 " in prefill
    assert "cpu-" in prefill
    assert " decode 4 x 2 " in decode
    told = run(None, "bench", str(model), "-p", "8", "-n", "4", "-r", "1", "--json")
    result = json.loads(told.out)
    assert result["prefill_tokens_per_second"] > 0
    assert result["decode_tokens_per_second"] > 0
    assert result["peak_memory_bytes"] > result["model_memory_bytes"] > 0
    assert result["load_seconds"] > 0
    assert result["kernels"].startswith("cpu-")
    assert (result["model"], result["batch"], result["rounds"]) == ("tiny.gguf", 1, 1)


def test_the_instructions_can_be_forced(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = ("-p", "8", "-n", "4", "-r", "1", "--json")
    monkeypatch.setenv("OLLAMARS_CPU", "scalar")
    assert json.loads(run(None, "bench", str(model), *sizes).out)["kernels"] == "cpu-scalar/cpu"
    monkeypatch.setenv("OLLAMARS_EXEC", "candle")
    assert json.loads(run(None, "bench", str(model), *sizes).out)["kernels"] == "candle/cpu"
    monkeypatch.delenv("OLLAMARS_EXEC")
    monkeypatch.setenv("OLLAMARS_CPU", "abacus")
    refused = run(None, "bench", str(model), *sizes)
    assert refused.code == 1
    assert "abacus" in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-p", "0"], "--prompt must be between 1 and"),
        (["-n", "-3"], "--tokens must be between 1 and"),
        (["-b", "99999999999"], "--batch must be between 1 and"),
        (["-r", "x"], 'invalid argument "x"'),
        (["-b", "1048576", "-p", "1048576"], "cannot run 1048576 sequences"),
    ],
)
def test_sizes_that_cannot_be(run: Run, model: Path, words: list[str], told: str) -> None:
    refused = run(None, "bench", str(model), *words)
    assert refused.code == 1
    assert told in refused.err
    assert "Traceback" not in refused.err


def test_what_is_no_model(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + bytes(50))
    assert "Error: " in run(None, "bench", str(bad)).err
    missing = run(None, "bench", "nothing:here")
    assert missing.code == 1
    assert "nothing:here" in missing.err
