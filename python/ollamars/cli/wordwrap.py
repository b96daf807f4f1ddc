"""Breaking lines between words while text comes in pieces.

Nobody knows where a word ends before it has come, so a word is written at once and, when it
reaches the edge, taken back (cursor left, erase) and written again on the next line.
"""

from __future__ import annotations

from collections.abc import Callable

from ollamars.cli.width import display_width

_MARGIN = 5
_NARROWEST = 10


class WordWrap:
    """Writes text so that words do not break at the edge of a screen.

    `columns` is asked for each piece, as a window may change; 0 turns wrapping off.
    """

    def __init__(self, write: Callable[[str], object], columns: Callable[[], int]) -> None:
        self._write = write
        self._columns = columns
        self._column = 0
        self._word = ""
        """What was written since the last place where the line may break."""

    def write(self, text: str) -> None:
        """Write a piece."""
        columns = self._columns()
        if columns < _NARROWEST:
            self._write(text)
            return
        limit = columns - _MARGIN
        self._write("".join(self._put(char, limit) for char in text))

    def _put(self, char: str, limit: int) -> str:
        if char in "\n\r":
            self._column, self._word = 0, ""
            return char
        out = self._new_line(limit) if self._column + 1 > limit else ""
        self._column += display_width(char)
        # Scripts with wide characters break anywhere.
        breaks = char in " \t" or display_width(char) > 1
        self._word = "" if breaks else self._word + char
        return out + char

    def _new_line(self, limit: int) -> str:
        """Go to the next line and take the unfinished word along, unless it is too long."""
        width = display_width(self._word)
        if width > limit - _MARGIN:
            # The terminal breaks it.
            self._column, self._word = 0, ""
            return ""
        word, self._column = self._word, width
        back = f"\x1b[{width}D" if width else ""
        return f"{back}\x1b[K\n{word}"
