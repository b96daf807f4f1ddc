"""Writes `prompts/known_shapes.py`, the shapes of a list of known Jinja texts.

usage: python tests/make_known_shapes.py LIBRARY

LIBRARY is a JSON file whose `chat_templates` is a list of `{"name": ..., "chat_template": ...}`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "python/ollamars/prompts/known_shapes.py"
HEAD = '''"""Shapes of the Jinja texts that are known to stand for a format; see `match`.

Made by `tests/make_known_shapes.py`.
"""

from typing import Final

SHAPES: Final[tuple[tuple[str, str], ...]] = (
'''
WIDTH = 84


def source(known: list[dict[str, str]]) -> str:
    """The module's text."""
    from ollamars.prompts.match import shape

    lines = [HEAD]
    for item in known:
        text = shape(item["chat_template"])
        pieces = [text[at : at + WIDTH] for at in range(0, len(text), WIDTH)]
        lines += ["    (\n", f'        "{item["name"]}",\n']
        lines += [f'        "{piece}"\n' for piece in pieces[:-1]]
        lines += [f'        "{pieces[-1]}",\n', "    ),\n"]
    return "".join([*lines, ")\n"])


if __name__ == "__main__":
    library = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    OUTPUT.write_text(source(library["chat_templates"]), encoding="utf-8")
