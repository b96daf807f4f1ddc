"""Which conversation format a Jinja text stands for: the nearest of a list of known texts.

The distance is Levenshtein's, in characters. The list that ships with ollamars holds no texts but
their shapes: every character is replaced by one of sixteen classes. Distances between shapes are
those of the texts, or a little less where an edit puts a character of the same class.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from ollamars.prompts.known_shapes import SHAPES

BOUND: Final = 100
"""Texts that are as many edits apart as this, or more, are strangers."""

_CLASSES: Final = (
    " ",
    "e",
    "s",
    "t(,HLz",
    "nyk!J\t;",
    "'<S/DM$W",
    "au)I3*",
    "ocxY4\r?",
    "%-TNKP&Z",
    "i|.O1j5^",
    "{=hEFq7~",
    '}p":wB6',
    "r_>\\AQ8",
    "m\n+RU`9",
    "df]bvCGX",
    "lg[0#2@V",
)
"""Of like weight in known texts; no class holds a letter in both cases, two kinds of quotes,
brackets, white space or signs that may stand for each other."""
_SHAPES: Final = str.maketrans(
    {char: chr(ord("a") + index) for index, chars in enumerate(_CLASSES) for char in chars}
)


class Known(NamedTuple):
    """A text, or the shape of one, and the format that it stands for."""

    format: str
    text: str


def shape(text: str) -> str:
    """A text with each ASCII character replaced by the letter of its class; others as they are."""
    return text.translate(_SHAPES)


def nearest_format(chat_template: str) -> str | None:
    """The format of the nearest text that ships with ollamars; None: none is near."""
    return nearest(shape(chat_template), (Known(*item) for item in SHAPES))


def nearest(text: str, known: Iterable[Known]) -> str | None:
    """The format of the first text of those that are nearest; None: none is within the bound."""
    found, least = None, BOUND
    for candidate in known:
        if abs(len(candidate.text) - len(text)) < least:
            distance = edit_distance(text, candidate.text)
            if distance < least:
                found, least = candidate.format, distance
    return found


def edit_distance(left: str, right: str) -> int:
    """How many insertions, deletions and substitutions of characters lie between two texts.

    Myers (1999), the whole column of the table as the bits of two integers.
    """
    if not right:
        return len(left)
    places: defaultdict[str, int] = defaultdict(int)
    for index, char in enumerate(right):
        places[char] |= 1 << index
    every, last = (1 << len(right)) - 1, 1 << (len(right) - 1)
    plus, minus, distance = every, 0, len(right)
    for char in left:
        same = places.get(char, 0)
        vertical = same | minus
        diagonal = (((same & plus) + plus) ^ plus) | same
        up, down = minus | (every & ~(diagonal | plus)), plus & diagonal
        distance += bool(up & last) - bool(down & last)
        up, down = (up << 1 | 1) & every, (down << 1) & every
        plus, minus = down | (every & ~(vertical | up)), up & vertical
    return distance
