"""Write src/unicode/table.rs: the character classes that pre-tokenizers ask for.

    PYTHONPATH=... python tools/unicode_table.py > src/unicode/table.rs

Needs the package `unicodedata2` in the version of Unicode that the original uses (15.1.0).
"""

import unicodedata2 as unicodedata

VERSION = "15.1.0"
WHITE = {*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)}
WHITE |= {0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
CLASSES = {"L": "Letter", "N": "Number", "M": "Mark", "P": "Punctuation", "S": "Symbol"}


def class_of(code: int) -> str:
    """The class of a code point; white space wins over the general category."""
    if code in WHITE:
        return "White"
    return CLASSES.get(unicodedata.category(chr(code))[0], "Other")


def ranges() -> list[tuple[int, str]]:
    """Start and class of every run of equal classes."""
    found: list[tuple[int, str]] = []
    for code in range(0x110000):
        name = class_of(code)
        if not found or found[-1][1] != name:
            found.append((code, name))
    return found


def main() -> None:
    """Print the Rust source."""
    assert unicodedata.unidata_version == VERSION, unicodedata.unidata_version
    print(f"//! Runs of equal class in Unicode {VERSION}. Made by `tools/unicode_table.py`.\n")
    print("use super::Class::{self, *};\n")
    print("/// First code point and class of every run, ascending from 0.")
    print("#[rustfmt::skip]")
    print("pub(super) const RUNS: &[(u32, Class)] = &[")
    row: list[str] = []
    for start, name in ranges():
        row.append(f"(0x{start:X}, {name}),")
        if len(row) == 5:
            print("    " + " ".join(row))
            row = []
    if row:
        print("    " + " ".join(row))
    print("];")


if __name__ == "__main__":
    main()
