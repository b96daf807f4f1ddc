"""Fitting a prompt into the context."""

from __future__ import annotations

import pytest

from ollamars.errors import BadRequest
from ollamars.server.inference import TOO_LONG, fit


def cut(count: int, num_ctx: int, num_keep: int = 4) -> list[int]:
    tokens = list(range(count))
    return fit(tokens, num_ctx=num_ctx, num_keep=num_keep, shift=True, truncate=True)


def test_a_prompt_that_leaves_room_for_a_token_stays() -> None:
    assert cut(127, 128) == list(range(127))
    assert cut(0, 4) == []


def test_a_longer_one_is_cut_in_its_middle() -> None:
    assert cut(128, 128) == [0, 1, 2, 3, *range(66, 128)]
    assert len(cut(600, 128)) == 66
    assert cut(600, 128, num_keep=0)[0] == 600 - 64


@pytest.mark.parametrize("num_keep", [-1, 0, 3, 4, 127, 128, 10_000])
@pytest.mark.parametrize("num_ctx", [4, 5, 128])
def test_there_is_always_room_for_a_token(num_keep: int, num_ctx: int) -> None:
    tokens = cut(300, num_ctx, num_keep)
    assert 0 < len(tokens) < num_ctx
    assert tokens[-1] == 299 or num_keep >= num_ctx - 1


def test_where_it_may_not_be_cut() -> None:
    tokens = list(range(130))
    with pytest.raises(BadRequest, match=r"request \(130 tokens\) exceeds .* \(128 tokens\)"):
        fit(tokens, num_ctx=128, num_keep=4, shift=True, truncate=False)
    with pytest.raises(BadRequest) as raised:
        fit(tokens, num_ctx=128, num_keep=4, shift=False, truncate=True)
    assert raised.value.message == TOO_LONG
