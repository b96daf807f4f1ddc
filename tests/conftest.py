"""Fixtures that many tests share: a served tiny model, and a served real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.served import Served
from tests.support import test_model
from tests.tiny_gguf import successor_model

CHATML = (
    "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}"
    "{{ if .Prompt }}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n{{ end }}"
    "<|im_start|>assistant\n{{ .Response }}<|im_end|>\n"
)


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The successor model as a file."""
    return successor_model(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, tiny_gguf: Path) -> Iterator[Served]:
    """A server with the model `tiny` (ChatML) and `tiny-raw` (no template)."""
    with Served(tmp_path_factory.mktemp("served")) as server:
        server.create("tiny", tiny_gguf, template=CHATML, parameters={"stop": ["<|im_end|>"]})
        server.create("tiny-raw", tiny_gguf)
        yield server


@pytest.fixture(scope="session")
def smol(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with SmolLM2-135M-Instruct as `smollm2:135m`."""
    gguf = test_model("SmolLM2-135M-Instruct.Q4_1.gguf")
    with Served(tmp_path_factory.mktemp("smol")) as server:
        server.create("smollm2:135m", gguf)
        yield server
