"""The formats that ship with ollamars against the recorded ones: which is near, what they write."""

from __future__ import annotations

import random
from functools import cache

import pytest

from ollamars import _core
from ollamars.prompts.known_templates import KNOWN
from ollamars.prompts.match import edit_distance, nearest, nearest_format
from tests.golden import prompts
from tests.golden.data import Data, Row
from tests.golden.rules import Run, judge
from tests.make_known_shapes import OUTPUT, source
from tests.support import shared, test_model

NONE = "no matching template found"
ALMOST = 8
"""Edits beyond the bound at which shapes may still take a text for a known one."""
ALPHABETS = ("{}%[]abcdefghij\"'é日 \n_", "xyz", "".join(map(chr, range(32, 127))))


@cache
def data() -> Data:
    return Data(shared("golden"))


def test_the_shapes_are_those_of_the_recorded_texts() -> None:
    library = data().table("template_library")["chat_templates"]
    names = {"source": source(library), "file": OUTPUT.read_text(encoding="utf-8")}
    assert "".join(names["source"].split()) == "".join(names["file"].split())


def test_every_recorded_text_is_recognised_by_its_shape() -> None:
    for row in data().rows("template_match"):
        found = nearest_format(row["in"]["chat_template"])
        assert found == row.get("out"), row["id"]
        assert found or row["error"] == NONE


def edited(text: str, edits: int, choose: random.Random) -> str:
    """A text after so many changes of a character each."""
    chars, alphabet = list(text), choose.choice(ALPHABETS)
    for _ in range(edits):
        at = choose.randrange(len(chars))
        chars[at : at + choose.randrange(2)] = choose.sample(alphabet, choose.randrange(2))
    return "".join(chars)


def test_edited_texts_are_recognised_as_by_their_characters() -> None:
    choose = random.Random(13)
    known = data().known_texts
    for _ in range(300):
        text = edited(choose.choice(known).text, choose.randint(1, 300), choose)
        wanted, found = nearest(text, known), nearest_format(text)
        if wanted != found:
            least = min(edit_distance(text, item.text) for item in known)
            assert wanted is None
            assert 100 <= least < 100 + ALMOST


CHECKED: dict[str, Run] = {
    "chat_templates": prompts.chat_template,
    "chat_prompt": prompts.truncated_prompt,
    "tools": prompts.tools,
}


def _by_name(row: Row) -> bool:
    template = row["in"].get("template")
    return isinstance(template, str) and template in KNOWN


@pytest.mark.parametrize("name", CHECKED)
def test_our_templates_write_what_the_recorded_ones_do(name: str) -> None:
    rows = [row for row in data().rows(name) if _by_name(row)]
    assert rows
    for row in rows:
        text = KNOWN[row["in"]["template"]].text
        ours = {**row, "in": {**row["in"], "template": {"text": text}}}
        assert judge(ours, CHECKED[name], data()) is None, row["id"]


def test_stop_texts_are_the_recorded_ones() -> None:
    recorded = data().table("template_library")["templates"]
    assert {name: item["parameters"] for name, item in recorded.items()} == {
        name: known.parameters for name, known in KNOWN.items()
    }


@pytest.mark.parametrize("name", ["SmolLM2-135M-Instruct.Q4_1.gguf"])
def test_models_with_a_plain_conversation(name: str) -> None:
    template = _core.Gguf(str(test_model(name))).get("tokenizer.chat_template")
    assert nearest_format(template) == "chatml"
