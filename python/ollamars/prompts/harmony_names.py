"""Names of tools as harmony's prompts can hold them: identifiers of TypeScript."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_BUILT_IN: Final = frozenset({"browser.open", "browser.search", "browser.find", "python"})
_UNDERSCORED: Final = str.maketrans(" -.", "___")


class HarmonyNames:
    """Names given and the names they got."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._given: dict[str, str] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> str:
        """The name that a tool gets; one that is taken gets a number."""
        got = base = _identifier(name)
        number = 2
        while got in self._given:
            got = f"{base}_{number}"
            number += 1
        if name in _BUILT_IN:
            got = name
        self._given[got] = name
        return got

    def given(self, name: str) -> str:
        """The name that became `name`; a name that is not known stays."""
        return self._given.get(name, name)


def _identifier(name: str) -> str:
    kept = "".join(
        char for char in name.translate(_UNDERSCORED) if char in "_$" or _is_letter_or_digit(char)
    )
    if not kept:
        return "unnamed"
    return "_" + kept if kept[0] in "0123456789" else kept


def _is_letter_or_digit(char: str) -> bool:
    return char.isalpha() or char.isdecimal()
