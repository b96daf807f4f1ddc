"""Options: names, types, defaults, what comes over what."""

from __future__ import annotations

from typing import Any

import pytest

from ollamars.runtime.options import OptionError, Options, model_options


def test_the_request_comes_over_the_model_over_the_defaults() -> None:
    options = model_options(
        {"temperature": 0.5, "stop": ["a"], "num_ctx": 100},
        {"temperature": 0, "stop": ["b", "c"], "seed": None},
        default_num_ctx=4096,
    )
    assert options.temperature == 0
    assert options.stop == ["b", "c"]
    assert options.num_ctx == 100
    assert options.seed == -1
    assert model_options(None, None, default_num_ctx=4096).num_ctx == 4096


def test_numbers() -> None:
    options = Options().with_map(
        {"top_k": 3.9, "seed": -2.7, "min_p": 0.30000001, "num_keep": 1e300}
    )
    assert (options.top_k, options.seed, options.min_p) == (3, -2, 0.3)
    assert options.num_keep == -(2**63)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"top_k": "5"}, 'option "top_k" must be of type integer'),
        ({"seed": True}, 'option "seed" must be of type integer'),
        ({"top_p": []}, 'option "top_p" must be of type float32'),
        ({"use_mmap": 1}, 'option "use_mmap" must be of type boolean'),
        ({"stop": "x"}, 'option "stop" must be of type array'),
        ({"stop": ["x", 1]}, 'option "stop" must be of an array of strings'),
    ],
)
def test_wrong_types(values: dict[str, Any], error: str) -> None:
    with pytest.raises(OptionError) as raised:
        Options().with_map(values)
    assert raised.value.message == error
    assert raised.value.status == 500


def test_unknown_names_are_ignored() -> None:
    assert Options().with_map({"mirostat": "x", "TOP_K": 1, "": 2, "numa": []}) == Options()


def test_an_embedding_model_takes_a_text_in_one_batch() -> None:
    for num_ctx, batch in ((512, 512), (8192, 2048)):
        options = model_options(None, None, default_num_ctx=num_ctx, capabilities=["embedding"])
        assert options.num_batch == batch
