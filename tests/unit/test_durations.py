from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamars.durations import FOREVER, SECOND, format_duration, parse_duration, parse_keep_alive


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("0", 0),
        ("5m", 300 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("-1.5h", -5400 * SECOND),
        ("+.5s", SECOND // 2),
        ("5.s", 5 * SECOND),
        ("300ms", 300_000_000),
        ("1us2µs3μs", 6000),
        ("2562047h47m16.854775807s", FOREVER),
        ("-2562047h47m16.854775808s", -FOREVER - 1),
    ],
)
def test_parse(text: str, ns: int) -> None:
    assert parse_duration(text) == ns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10", 'time: missing unit in duration "10"'),
        ("", 'time: invalid duration ""'),
        ("abc", 'time: invalid duration "abc"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1h-30m", 'time: unknown unit "h-" in duration "1h-30m"'),
        ('1"', 'time: unknown unit "\\"" in duration "1\\""'),
        ("é", 'time: invalid duration "\\xc3\\xa9"'),
        ("9223372037s", 'time: invalid duration "9223372037s"'),
        (".s", 'time: invalid duration ".s"'),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="time:") as caught:
        parse_duration(text)
    assert str(caught.value) == message


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_printed_duration_reads_back(ns: int) -> None:
    assert parse_duration(format_duration(ns)) == ns


@given(st.text(alphabet="0123456789.hmsuµnd-+ "))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert abs(parse_duration(text)) <= 2**63


def test_keep_alive() -> None:
    assert parse_keep_alive(None) is None
    assert parse_keep_alive(1.5) == 1_500_000_000
    assert parse_keep_alive(-0.5) == parse_keep_alive("-1s") == FOREVER
    for value, name in ((True, "bool"), ([], "[]interface {}"), ({}, "map[string]interface {}")):
        with pytest.raises(ValueError, match="Unsupported type") as caught:
            parse_keep_alive(value)
        assert str(caught.value) == f"Unsupported type: '{name}'"
