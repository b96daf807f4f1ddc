"""Plain tables: columns padded to the widest cell, four blanks after each, no lines.

Cells longer than `wrap` columns are wrapped so that the lines are about equally long (least sum of
squared gaps), as Ollama's tables do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ollamars.cli.width import display_width

GAP = "    "
DEFAULT_WRAP = 30
"""Columns at which a cell wraps unless a table asks for another width."""
_TOO_LONG = 100_000
"""Penalty of a line that is longer than the limit."""
_ABSENT = "  "
"""What stands in the continuation lines of a cell that has no more lines."""


def table(
    rows: Sequence[Sequence[str]], *, header: Sequence[str] = (), wrap: int = DEFAULT_WRAP
) -> str:
    """The text of a table, with a newline after each line; rows may differ in length."""
    cells = [[_lines(cell, wrap) for cell in row] for row in rows]
    widths = [display_width(title) for title in header]
    for row in cells:
        for index, (_, width) in enumerate(row):
            if index == len(widths):
                widths.append(0)
            widths[index] = max(widths[index], width)
    out = [_heading(header, widths)] if header else []
    for row in cells:
        out.extend(_row([lines for lines, _ in row], widths))
    return "".join(line + "\n" for line in out)


def _heading(header: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(_pad(title, width) for title, width in zip(header, widths, strict=False)) + " "


def _row(row: list[list[str]], widths: Sequence[int]) -> list[str]:
    height = max((len(lines) for lines in row), default=0)
    return [
        "".join(
            _pad(lines[index] if index < len(lines) else _ABSENT, width) + GAP
            for lines, width in zip(row, widths, strict=False)
        )
        for index in range(height)
    ]


def _pad(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def _lines(cell: str, wrap: int) -> tuple[list[str], int]:
    """The lines of a cell and the width that its column needs at least."""
    widest = max(display_width(line) for line in cell.split("\n"))
    limit = min(widest, wrap)
    lines = wrap_words(cell.replace("\n", " "), limit)
    return lines, max(limit, *(display_width(line) for line in lines))


def wrap_words(text: str, limit: int) -> list[str]:
    """Break `text` at blanks into lines of at most `limit` cells, about equally long.

    A word longer than the limit raises it.
    """
    words = text.split(" ")
    sizes = [display_width(word) for word in words]
    limit = max(limit, *sizes)
    if sum(sizes) + len(sizes) - 1 <= limit:
        return [text]
    breaks = _best_breaks(sizes, limit)
    lines, start = [], 0
    while start < len(words):
        lines.append(" ".join(words[start : breaks[start]]))
        start = breaks[start]
    return lines


def _best_breaks(sizes: Sequence[int], limit: int) -> list[int]:
    """For each word, where the next line begins if a line begins with it."""
    count = len(sizes)
    costs: list[float] = [math.inf] * count
    breaks = [count] * count
    for first in reversed(range(count)):
        length = -1
        for after in range(first + 1, count + 1):
            length += sizes[after - 1] + 1
            if after == count:
                if length <= limit:
                    costs[first], breaks[first] = 0, count
                break
            cost = (limit - length) ** 2 + costs[after] + (_TOO_LONG if length > limit else 0)
            if cost < costs[first]:
                costs[first], breaks[first] = cost, after
            if length > limit:  # longer lines only cost more
                break
    return breaks
