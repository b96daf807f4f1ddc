from __future__ import annotations

from typing import Any

import pytest

from ollamars.errors import BadRequest
from ollamars.store.gotext import format_value, quote, shortest_float32
from ollamars.store.params import format_params


@pytest.mark.parametrize(
    ("name", "texts", "value"),
    [
        ("top_k", ["40", "7"], 40),
        ("temperature", ["0.1"], 0.1),
        ("temperature", ["0x1p-2"], 0.25),
        ("top_p", ["1_0.5"], 10.5),
        ("use_mmap", ["T"], True),
        ("stop", ["a", "b"], ["a", "b"]),
    ],
)
def test_typed(name: str, texts: list[str], value: Any) -> None:
    assert format_params({name: texts}) == {name: value}


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        ("bogus", ["1"], "unknown parameter 'bogus'"),
        ("top_k", ["x", "2"], "invalid int value [x 2]"),
        ("top_k", ["9223372036854775808"], "invalid int value [9223372036854775808]"),
        ("temperature", ["nan"], "invalid float value [nan]"),
        ("temperature", ["1e99"], "invalid float value [1e99]"),
        ("temperature", ["1_e2"], "invalid float value [1_e2]"),
        ("use_mmap", ["yes"], "invalid bool value [yes]"),
    ],
)
def test_refused(name: str, texts: list[str], message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        format_params({name: texts})
    assert caught.value.message == message


def test_go_texts() -> None:
    assert quote('a"\\\n\x00é\u200b\udcff') == '"a\\"\\\\\\n\\x00é\\u200b\\xff"'
    assert [format_value(v) for v in (1e6, 4096, 0.1, 1e-5, -0.0, True, "x")] == [
        "1e+06",
        "4096",
        "0.1",
        "1e-05",
        "-0",
        "true",
        "x",
    ]
    assert shortest_float32(1.54742505e26) == 1.5474251e26
