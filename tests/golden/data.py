"""Folders of recorded data: rows by the name of their file, tables, one folder behind the other."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from ollamars.prompts.match import Known
from ollamars.prompts.messages import Tool, tools_from_json
from tests.support import lines

Row = dict[str, Any]


class Data:
    """The data of a folder; what it lacks is looked for in the next one."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    def find(self, name: str, *, own: bool = False) -> Path | None:
        """The file of that name without suffixes; `own`: only in the first folder."""
        folders = self._folders[:1] if own else self._folders
        suffixes = (".jsonl", ".jsonl.gz", ".json")
        paths = (folder / (name + suffix) for folder in folders for suffix in suffixes)
        return next((path for path in paths if path.is_file()), None)

    def rows(self, name: str) -> list[Row]:
        """All rows of a file. Raises `FileNotFoundError`."""
        return list(lines(self._path(name)))

    def table(self, name: str) -> Any:
        """A file that is one JSON value. Raises `FileNotFoundError`."""
        return json.loads(self._path(name).read_text(encoding="utf-8"))

    def _path(self, name: str) -> Path:
        path = self.find(name)
        if path is None:
            raise FileNotFoundError(f"no {name} in {', '.join(map(str, self._folders))}")
        return path

    @cached_property
    def templates(self) -> dict[str, str]:
        """Texts of the recorded templates by name."""
        library = self.table("template_library")
        parts = (library["templates"], library["extra"])
        return {name: item["text"] for part in parts for name, item in part.items()}

    @cached_property
    def known_texts(self) -> list[Known]:
        """The Jinja texts that stand for a format, in their order."""
        items = self.table("template_library")["chat_templates"]
        return [Known(item["name"], item["chat_template"]) for item in items]

    @cached_property
    def parser_tools(self) -> list[Tool]:
        """The tools of the parser rows that have tools."""
        return tools_from_json(self.table("parsers_tools")) or []

    @cached_property
    def conversations(self) -> dict[str, Row]:
        """The inputs of the renderer rows."""
        return {case["id"]: case for case in self.rows("renderers_inputs")}
