from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ollamars.cli.tables import table, wrap_words
from ollamars.cli.width import display_width


def test_columns_are_padded_also_the_last() -> None:
    rows = [["模型", "5 B"], ["a-long-name", "12 MB"]]
    assert table(rows, header=("NAME", "SIZE")) == (
        "NAME           SIZE  \n模型           5 B      \na-long-name    12 MB    \n"
    )


def test_a_header_alone() -> None:
    assert table([], header=("NAME", "ID")) == "NAME    ID \n"


def test_rows_of_different_length() -> None:
    assert table([["", "a"], ["", "b", "c"]]) == "    a    \n    b    c    \n"


def test_lines_are_about_equally_long() -> None:
    assert wrap_words("aaa bb cc ddddd", 6) == ["aaa", "bb cc", "ddddd"]


def test_a_long_word_raises_the_limit() -> None:
    assert max(map(len, wrap_words("a bbbbbbbb c", 3))) <= 8


@given(st.text(alphabet="ab c\u4e2d", max_size=80), st.integers(1, 20))
def test_wrapping_keeps_the_text(text: str, limit: int) -> None:
    lines = wrap_words(text, limit)
    assert " ".join(lines) == text
    longest = max(limit, *(display_width(word) for word in text.split(" ")))
    assert all(display_width(line) <= longest for line in lines)
