"""What a model is loaded with."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ollamars.runtime.options import Options
from ollamars.runtime.settings import Settings
from ollamars.store.models import StoredModel
from ollamars.store.names import Name


def settings(trained: int = 2048, **options: Any) -> Settings:
    model = StoredModel(Name.parse("m"), "", 0, 0)
    return Settings.of(model, Options(**options), shift=True, trained=trained)


@pytest.mark.parametrize(
    ("trained", "asked", "found"),
    [(2048, 4096, 2048), (2048, 100, 100), (0, 4096, 4096), (2048, 0, 4), (2048, -(2**63), 4)],
)
def test_the_context_is_what_the_model_knows(trained: int, asked: int, found: int) -> None:
    assert settings(trained, num_ctx=asked).num_ctx == found


@pytest.mark.parametrize(
    ("num_ctx", "asked", "found"),
    [(2048, 512, 512), (2048, 10**12, 2048), (100, 10**12, 512), (100, 0, 1), (100, -1, 1)],
)
def test_a_step_is_no_larger_than_a_prompt_can_be(num_ctx: int, asked: int, found: int) -> None:
    assert settings(num_ctx=num_ctx, num_batch=asked).num_batch == found


def test_no_more_threads_than_there_are() -> None:
    cores = os.cpu_count() or 1
    assert [settings(num_thread=each).num_thread for each in (-1, 0, 1, 10**9)] == [0, 0, 1, cores]
