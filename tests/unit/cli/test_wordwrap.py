from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ollamars.cli.wordwrap import WordWrap


def wrapped(pieces: list[str], columns: int) -> str:
    """What the screen shows: the escape sequences carried out."""
    out: list[str] = []
    wrap = WordWrap(out.append, lambda: columns)
    for piece in pieces:
        wrap.write(piece)
    text = "".join(out)
    while match := re.search(r"\x1b\[(\d+)D\x1b\[K", text):
        text = text[: match.start() - int(match[1])] + text[match.end() :]
    return text.replace("\x1b[K", "")


def test_a_word_moves_to_the_next_line() -> None:
    assert wrapped(["aaaa bb", "bbbbbb", "bbb cc"], 20) == "aaaa \nbbbbbbbbbbb cc"


def test_off_where_the_screen_is_narrow() -> None:
    assert wrapped(["aaaa bbbbbbbbbbbbbbb"], 9) == "aaaa bbbbbbbbbbbbbbb"


def test_a_newline_begins_anew() -> None:
    assert wrapped(["aaaaaaaaaaaa\nbbbb cc"], 20) == "aaaaaaaaaaaa\nbbbb cc"


def test_a_word_longer_than_the_line_is_left_to_the_terminal() -> None:
    assert wrapped(["x" * 50], 20) == "x" * 50


@given(st.lists(st.text(alphabet="ab \n\u4e2d", max_size=20)), st.integers(10, 40))
def test_only_newlines_are_added(pieces: list[str], columns: int) -> None:
    shown = wrapped(pieces, columns)
    assert shown.replace("\n", "") == "".join(pieces).replace("\n", "")
