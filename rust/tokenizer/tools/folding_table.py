"""Write src/unicode/folding_table.rs: what WordPiece does to characters.

    PYTHONPATH=... python tools/folding_table.py > src/unicode/folding_table.rs

Needs the package `unicodedata2` in the version of Unicode that the original uses (15.1.0). Lower
case is Python's own; no pair was added to it between Unicode 14 and 15.1.
"""

from collections.abc import Callable, Iterator

import unicodedata2 as unicodedata

VERSION = "15.1.0"
CONTROL = {"Cc", "Cf", "Cs", "Co"}
ALL = range(0x110000)
HANGUL = range(0xAC00, 0xD7A4)
"""Composed syllables, whose first part is arithmetic."""


def lower(code: int) -> int:
    """The first character of the lower case."""
    return ord(chr(code).lower()[0])


def base(code: int) -> int:
    """The first character of the canonical decomposition."""
    return code if code in HANGUL else ord(unicodedata.normalize("NFD", chr(code))[0])


def runs(changed: Callable[[int], int]) -> Iterator[tuple[int, int, int, int]]:
    """First and last code, step (1 or 2) and difference of neighbours that change alike."""
    run: list[int] = []
    for code in ALL:
        if 0xD800 <= code < 0xE000 or changed(code) == code:
            continue
        delta = changed(code) - code
        if run and delta == run[3] and code - run[1] in ({run[2]} if run[2] else {1, 2}):
            run[1:3] = code, code - run[1]
            continue
        if run:
            yield run[0], run[1], run[2] or 1, run[3]
        run = [code, code, 0, delta]
    yield run[0], run[1], run[2] or 1, run[3]


def controls() -> Iterator[tuple[int, int]]:
    """First and last code of each run of control characters."""
    start = None
    for code in [*ALL, None]:
        control = code is not None and unicodedata.category(chr(code)) in CONTROL
        if control and start is None:
            start = code
        elif not control and start is not None:
            yield start, (code if code is not None else 0x110000) - 1
            start = None


def table(doc: str, name: str, kind: str, rows: Iterator[tuple[int, ...]], signed: int) -> None:
    """Print one table; the number in place `signed` is decimal."""
    print(f"\n/// {doc}")
    print("#[rustfmt::skip]")
    print(f"pub(super) const {name}: &[{kind}] = &[")
    cells = [
        "(" + ", ".join(str(n) if i == signed else f"0x{n:X}" for i, n in enumerate(row)) + "),"
        for row in rows
    ]
    line = ""
    for cell in cells:
        if len(line) + len(cell) > 92:
            print("   " + line)
            line = ""
        line += " " + cell
    print("   " + line)
    print("];")


def main() -> None:
    """Print the Rust source."""
    assert unicodedata.unidata_version == VERSION, unicodedata.unidata_version
    print(f"//! Changes of characters in Unicode {VERSION}. Made by `tools/folding_table.py`.")
    table("First and last control character of each run.", "CONTROLS", "(u32, u32)", controls(), 9)
    doc = "First and last code, step and difference of characters whose {} is another one."
    kind = "(u32, u32, u32, i32)"
    table(doc.format("lower case"), "LOWER", kind, runs(lower), 3)
    table(doc.format("base"), "BASE", kind, runs(base), 3)


if __name__ == "__main__":
    main()
