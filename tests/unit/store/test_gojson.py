from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamars.store.gojson import as_float64, dumps

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"b":1,"a":[true,null]}'),
        ("<a & b>", '"\\u003ca \\u0026 b\\u003e"'),
        ("\u2028é\u2029", '"\\u2028é\\u2029"'),
        ('\b\f\n\r\t\x01"\\/\x7f', '"\\b\\f\\n\\r\\t\\u0001\\"\\\\/\x7f"'),
        ([1.0, -0.5, 100.0, 0.0], "[1,-0.5,100,0]"),
        (
            [1e-6, 1e-7, 1.5e-10, 1e20, 1e21, 12e22],
            "[0.000001,1e-7,1.5e-10,100000000000000000000,1e+21,1.2e+23]",
        ),
        (["1.0", "1e5", 2.0], '["1.0","1e5",2]'),
        ({'"': 3.0, "e": [{"x": 1e16}]}, '{"\\"":3,"e":[{"x":10000000000000000}]}'),
        (1.0, "1"),
        ("\ud800x", '"\ufffdx"'),
    ],
)
def test_written_as_go_writes_it(value: object, text: str) -> None:
    assert dumps(value).decode() == text


def test_sorted_keys_go_all_the_way_down() -> None:
    assert dumps({"b": 1, "a": {"d": 1, "c": 2}}, sort_keys=True) == b'{"a":{"c":2,"d":1},"b":1}'


@given(JSON)
def test_reads_back(value: object) -> None:
    found = json.loads(dumps(value))
    assert as_float64(found) == as_float64(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_every_bit(value: float) -> None:
    text = dumps({"v": value}).decode()
    assert float(text[5:-1]) == value
    assert math.copysign(1.0, float(text[5:-1])) == math.copysign(1.0, value)
    assert ".0}" not in text
    assert "e0" not in text
