"""What becomes of `format` and the options for grammars, with an engine that only takes notes."""

from __future__ import annotations

from typing import Any

import pytest

from ollamars.errors import BadRequest
from ollamars.runtime.forms import Form
from ollamars.runtime.options import OptionError
from ollamars.server.formats import wanted_form
from tests.scripted_engine import ScriptedGrammar
from tests.unit.server.conftest import Site


def test_what_is_wanted() -> None:
    assert wanted_form(None, None) is None
    assert wanted_form("null", {}) is None
    assert wanted_form('""', {"regex": None}) is None
    assert wanted_form('"json"', None) == Form("json")
    assert wanted_form('{"a": 1}', None) == Form("schema", '{"a": 1}')
    for name in ("regex", "lark", "gbnf"):
        assert wanted_form(None, {name: "text"}) == Form(name, "text")


def test_what_cannot_be_wanted() -> None:
    with pytest.raises(OptionError, match='option "lark" must be of type string'):
        wanted_form(None, {"lark": ["x"]})
    with pytest.raises(BadRequest, match="only one of format and regex can be asked for"):
        wanted_form("{}", {"regex": "x"})


async def asked(site: Site, path: str, **body: Any) -> Any:
    """The grammar of the last request to the engine."""
    await site.post(path, **body)
    return site.loads.engines[-1].requests[-1][1].get("grammar")


async def test_the_engine_gets_the_grammar(site: Site) -> None:
    say = {"model": "raw", "prompt": "x"}
    assert await asked(site, "/api/generate", **say) is None
    assert await asked(site, "/api/generate", **say, format="json") == ScriptedGrammar(
        "json", "", None
    )
    options = {"regex": "[a-z]+"}
    assert await asked(site, "/api/generate", **say, options=options) == ScriptedGrammar(
        "regex", "[a-z]+", None
    )
    chat = {"model": "chat", "messages": [{"role": "user", "content": "x"}]}
    assert await asked(site, "/api/chat", **chat, format={"type": "object"}) == ScriptedGrammar(
        "schema", '{"type": "object"}', None
    )


async def test_a_format_holds_behind_thinking(site: Site) -> None:
    body: dict[str, Any] = {
        "model": "think",
        "messages": [{"role": "user", "content": "x"}],
        "format": "json",
        "options": {"num_predict": 2},
    }
    marks = ("<think>", "</think>")
    assert (await asked(site, "/api/chat", **body, think=True)).after == marks
    assert (await asked(site, "/api/chat", **body, think=False)).after is None


@pytest.mark.parametrize("stream", [False, True])
async def test_a_bad_schema_is_a_bad_request(site: Site, stream: bool) -> None:
    body = {"model": "raw", "prompt": "x", "format": {"wrong": 1}, "stream": stream}
    answer = await site.ask("POST", "/api/generate", body)
    assert answer.status_code == 400
    assert answer.json() == {"error": 'format: {"wrong": 1} is wrong'}
    assert not site.loads.engines[-1].requests
