"""Showing an answer as it comes: thinking, text, calls of tools, statistics."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ollamars.cli.progress import screen_size
from ollamars.cli.wordwrap import WordWrap
from ollamars.durations import SECOND, format_duration
from ollamars.store.gotext import shortest_float32

_GREY, _BOLD, _DEFAULT = "\x1b[38;5;245m", "\x1b[1m", "\x1b[0m"
_NAME_WIDTH = 22


class Answer:
    """Writes an answer to standard output, piece by piece, and keeps what it said.

    `styled`: thinking is grey; `wrap`: words do not break at the edge of the terminal.
    """

    def __init__(self, *, styled: bool, wrap: bool, hide_thinking: bool) -> None:
        self._styled = styled
        self._hide_thinking = hide_thinking
        self._columns = _columns if wrap else _no_columns
        self._text = WordWrap(sys.stdout.write, self._columns)
        self._thinking_open = False
        self.content = ""
        self.thinking = ""

    def shows(self, thinking: str, content: str, tool_calls: list[Any]) -> bool:
        """Does this piece put anything on the screen?"""
        return bool(content or tool_calls or (thinking and not self._hide_thinking))

    def add(self, thinking: str, content: str, tool_calls: list[Any]) -> None:
        """Show the next piece."""
        if thinking:
            self.thinking += thinking
            if not self._hide_thinking:
                self._think(thinking)
        if self._thinking_open and (content or tool_calls):
            self._end_thinking()
        if tool_calls:
            text = tool_calls_text(tool_calls)
            sys.stdout.write(f"{_GREY}{text}{_DEFAULT}" if self._styled else text)
        self.content += content
        self._text.write(content)
        sys.stdout.flush()

    def _think(self, thinking: str) -> None:
        if not self._thinking_open:
            self._thinking_open = True
            title = "Thinking...\n"
            sys.stdout.write(f"{_GREY}{_BOLD}{title}{_DEFAULT}{_GREY}" if self._styled else title)
        self._text.write(thinking)

    def _end_thinking(self) -> None:
        self._thinking_open = False
        if not self.thinking.endswith("\n"):
            sys.stdout.write("\n")
        title = "...done thinking.\n\n"
        sys.stdout.write(f"{_GREY}{_BOLD}{title}{_DEFAULT}" if self._styled else title)
        self._text = WordWrap(sys.stdout.write, self._columns)

    def finish(self) -> None:
        """Leave the terminal's colours as they were, also after thinking that nothing followed."""
        if self._thinking_open and self._styled:
            sys.stdout.write(_DEFAULT)
        self._thinking_open = False


def _columns() -> int:
    return screen_size(sys.stdout)[0]


def _no_columns() -> int:
    return 0


def tool_calls_text(calls: list[Mapping[str, Any]]) -> str:
    """What the user is told when a model calls tools that the command line does not have."""
    from ollamars.store.gojson import dumps

    functions = [call.get("function") or {} for call in calls]
    return "\n".join(
        f"  Model called a non-existent function '{function.get('name', '')}()' "
        f"with arguments: {dumps(function.get('arguments') or {}).decode()}"
        for function in functions
    )


def statistics_text(final: Mapping[str, Any]) -> str:
    """The times and rates of a final object, one a line; what is zero is left out."""
    rows: list[tuple[str, str]] = []
    for title, key in (("total duration", "total_duration"), ("load duration", "load_duration")):
        if final.get(key):
            rows.append((title, format_duration(final[key])))
    for title in ("prompt eval", "eval"):
        key = title.replace(" ", "_")
        count, duration = final.get(f"{key}_count", 0), final.get(f"{key}_duration", 0)
        if count:
            rows.append((f"{title} count", f"{count} token(s)"))
        if duration:
            rows.append((f"{title} duration", format_duration(duration)))
            rows.append((f"{title} rate", f"{count / (duration / SECOND):.2f} tokens/s"))
    return "".join(f"{title + ':':<{_NAME_WIDTH}}{value}\n" for title, value in rows)


def embedding_text(vector: list[float]) -> str:
    """A vector of single precision as one line of JSON."""
    from ollamars.store.gojson import json_float

    return f"[{','.join(json_float(shortest_float32(value)) for value in vector)}]"
