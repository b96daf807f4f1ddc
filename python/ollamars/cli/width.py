"""How many cells of a terminal a text takes."""

from __future__ import annotations


def display_width(text: str) -> int:
    """Terminal cells of `text`: 2 for wide characters, 0 for combining and control ones."""
    if text.isascii():
        return sum(char >= " " and char != "\x7f" for char in text)
    from wcwidth import wcwidth  # the tables cost 20 ms, and most texts are ASCII

    return sum(max(0, wcwidth(char)) for char in text)
