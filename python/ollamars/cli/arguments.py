"""Command-line arguments in GNU style, with the texts that Ollama's users and scripts know.

Flags and arguments come in any order, `--flag=value` or `--flag value`, short flags can be joined,
`--` ends the flags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ollamars.cli.errors import UsageError
from ollamars.config import parse_bool
from ollamars.store.gotext import quote

_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)")


def _read_bool(text: str) -> bool:
    try:
        return parse_bool(text)
    except ValueError:
        raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax") from None


def _read_int(text: str) -> int:
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    digits = re.sub(r"^([+-]?)0([0-7]+)$", r"\g<1>0o\2", text)
    value = int(digits, 0)
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return value


_READERS: Mapping[str, Callable[[str], Any]] = {"bool": _read_bool, "int": _read_int, "string": str}


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of a command."""

    name: str
    help: str
    short: str = ""
    type: str = "bool"
    """`bool`, `int` or `string`."""
    bare: str | None = None
    """The value of the flag without `=value`; None: it needs one (never for a bool)."""
    hidden: bool = False
    """Is it left out of the help, which is Ollama's?"""

    @property
    def bare_value(self) -> str | None:
        """The value when none is given, None where one must follow."""
        return "true" if self.type == "bool" else self.bare

    def read(self, text: str) -> Any:
        """The typed value. Raises `UsageError`."""
        try:
            return _READERS[self.type](text)
        except ValueError as error:
            shown = f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"
            raise UsageError(
                f"invalid argument {quote(text)} for {quote(shown)} flag: {error}"
            ) from None


@dataclass(frozen=True, slots=True)
class Parsed:
    """Arguments, and the flags that were given with their values."""

    args: list[str]
    flags: dict[str, Any]


def parse(words: Sequence[str], flags: Sequence[Flag]) -> Parsed:
    """Split words into flags and arguments. Raises `UsageError`."""
    parsed = Parsed([], {})
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            parsed.args.extend(rest)
            break
        if word.startswith("--"):
            _long(word, rest, flags, parsed)
        elif word.startswith("-") and word != "-":
            _short(word, rest, flags, parsed)
        else:
            parsed.args.append(word)
    return parsed


def _long(word: str, rest: list[str], flags: Sequence[Flag], parsed: Parsed) -> None:
    name, has_value, value = word[2:].partition("=")
    if not name or name.startswith("-"):
        raise UsageError(f"bad flag syntax: {word}")
    flag = next((flag for flag in flags if flag.name == name), None)
    if flag is None:
        raise UsageError(f"unknown flag: --{name}")
    if not has_value:
        value = _default_value(flag, rest, f"--{name}")
    parsed.flags[name] = flag.read(value)


def _short(word: str, rest: list[str], flags: Sequence[Flag], parsed: Parsed) -> None:
    letters = word[1:]
    while letters:
        letter, after = letters[0], letters[1:]
        flag = next((flag for flag in flags if flag.short == letter), None)
        if flag is None:
            raise UsageError(f"unknown shorthand flag: '{letter}' in -{letters}")
        if after.startswith("="):
            value, after = after[1:], ""
        elif flag.bare_value is not None:
            value = flag.bare_value
        elif after:
            value, after = after, ""
        else:
            value = _default_value(flag, rest, f"'{letter}' in -{letters}")
        parsed.flags[flag.name] = flag.read(value)
        letters = after


def _default_value(flag: Flag, rest: list[str], shown: str) -> str:
    if flag.bare_value is not None:
        return flag.bare_value
    if not rest:
        raise UsageError(f"flag needs an argument: {shown}")
    return rest.pop(0)


def command_position(words: Sequence[str], flags: Sequence[Flag]) -> int | None:
    """Index of the word that names the command; None where all are flags."""
    alone = [flag for flag in flags if flag.bare_value is not None]
    bare = {f"--{flag.name}" for flag in alone} | {f"-{flag.short}" for flag in alone}
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            return None
        if not word.startswith("-") or word == "-":
            return index
        takes_next = "=" not in word and word not in bare and (word[1] == "-" or len(word) == 2)
        index += 2 if takes_next else 1
    return None


def edit_distance(one: str, other: str) -> int:
    """Least number of insertions, deletions and replacements between two words, case ignored."""
    one, other = one.lower(), other.lower()
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
