"""The prompt history: a file of one line each, the last hundred kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import History

LIMIT = 100


class PromptHistory(History):
    """What was typed, across sessions. While `enabled` is false nothing is added."""

    def __init__(self, path: Path, *, enabled: bool) -> None:
        super().__init__()
        self._path = path
        self.enabled = enabled

    def load_history_strings(self) -> Iterable[str]:
        """The lines of the file, newest first."""
        return reversed(self._lines())

    def append_string(self, string: str) -> None:
        """Add a message, unless history is off."""
        if self.enabled:
            super().append_string(string)

    def store_string(self, string: str) -> None:
        """Write the file anew; a message of several lines fills several."""
        lines = [*self._lines(), *string.splitlines()][-LIMIT:]
        try:
            self._write("".join(f"{line}\n" for line in lines))
        except OSError:
            return  # a history that cannot be written must not stop the chat

    def _lines(self) -> list[str]:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return [line for line in text.split("\n") if line][-LIMIT:]

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix="history-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, self._path)
