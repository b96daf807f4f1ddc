"""All recorded rows of pure functions, as recorded from Ollama v0.33."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from ollamars.errors import OllamarsError
from ollamars.prompts.parsers import PARSERS, parser
from ollamars.prompts.renderers import RENDERERS, renderer
from tests.golden.data import Data
from tests.golden.files import FILES, failures
from tests.golden.rules import same
from tests.golden_run import main
from tests.support import shared

SHOWN = 5


@cache
def data() -> Data:
    return Data(shared("golden"))


@pytest.mark.parametrize("name", FILES)
def test_every_row_passes(name: str) -> None:
    rows = data().rows(name)
    assert rows
    failed = failures(name, rows, data())
    shown = "\n".join(f"{failure.id}: {failure.how}" for failure in failed[:SHOWN])
    assert not failed, f"{len(failed)} of {len(rows)} rows differ\n{shown}"


def test_parsers_of_the_table() -> None:
    table = data().table("renderer_table")
    ours = {
        name: {
            "preserved_tokens": list(family.preserved_tokens) or None,
            "thinking": family.has_thinking,
            "tools": family.has_tools,
        }
        for name, family in PARSERS.items()
    }
    assert ours == table["parsers"]
    for name in table["unknown_parsers"]:
        assert parser(name) is None


def test_renderers_of_the_table() -> None:
    table = data().table("renderer_table")
    ours = {name: {"leading_bos": item.leading_bos} for name, item in RENDERERS.items()}
    assert ours == table["renderers"]
    for name, message in table["unknown_renderers"].items():
        with pytest.raises(OllamarsError) as caught:
            renderer(name)
        assert caught.value.message == message


def test_the_rules_of_equality() -> None:
    assert same({"a": [1, 0.1]}, {"a": [1, 0.10000000149011612]})
    for wanted, found in [(1, True), (None, 0), (0, False), (1, 2), ([1], [1, 2]), ({"a": 1}, {})]:
        assert not same(wanted, found)


def test_the_runner_counts_and_looks_elsewhere_for_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "tables").mkdir()
    library = {"templates": {"t": {"text": "{{ .Prompt }}!"}}, "extra": {}}
    (tmp_path / "tables" / "template_library.json").write_text(json.dumps(library))
    given = {"template": "t", "messages": [{"role": "user", "content": "x"}]}
    rows = [{"id": "right", "in": given, "out": "x!"}, {"id": "wrong", "in": given, "out": "y"}]
    file = tmp_path / "rows" / "chat_templates.jsonl"
    arguments = [str(tmp_path / "rows"), "--data", str(tmp_path / "tables")]
    file.write_text("\n".join(map(json.dumps, rows)))
    assert main(arguments) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 1 failed"
    file.write_text(json.dumps(rows[0]))
    assert main([*arguments, "--only", "chat_templates"]) == 0
    assert capsys.readouterr().out == "chat_templates: 1 passed, 0 failed\n1 passed, 0 failed\n"
