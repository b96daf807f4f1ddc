"""`run` against a scripted server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.scripted import DONE, SHOW, Answer, serve

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def says(*pieces: dict[str, Any]) -> Answer:
    return Answer(stream=[*pieces, DONE])


HELLO = says({"response": "Hel"}, {"response": "lo"})


def test_a_question(run: Run) -> None:
    with serve(post_api_show=Answer(SHOW), post_api_generate=HELLO) as server:
        result = run(server, "run", "m", "Say", "hi", "--keepalive", "5m")
    assert (result.code, result.out) == (0, "Hello\n\n")
    assert server.body("POST /api/generate") == {
        "model": "m",
        "prompt": "Say hi",
        "suffix": "",
        "system": "",
        "template": "",
        "options": {},
        "keep_alive": "5m0s",
    }


def test_piped_text_comes_first(run: Run) -> None:
    with serve(post_api_show=Answer(SHOW), post_api_generate=HELLO) as server:
        run(server, "run", "m", "Summarise:", stdin="text\n")
        assert server.body("POST /api/generate")["prompt"] == "text\n Summarise:"
        run(server, "run", "m", stdin="text\n")
        assert server.body("POST /api/generate")["prompt"] == "text\n"


def test_thinking(run: Run) -> None:
    shown = Answer(SHOW | {"capabilities": ["completion", "thinking"]})
    answer = says({"thinking": "hm"}, {"response": "Yes"})
    with serve(post_api_show=shown, post_api_generate=answer) as server:
        assert run(server, "run", "m", "x").out == "Thinking...\nhm\n...done thinking.\n\nYes\n\n"
        assert server.body("POST /api/generate")["think"] is True
        assert run(server, "run", "m", "x", "--hidethinking").out == "Yes\n\n"
        run(server, "run", "m", "x", "--think=low")
        assert server.body("POST /api/generate")["think"] == "low"


def test_tool_calls(run: Run) -> None:
    call = {"function": {"name": "f", "arguments": {"b": "<1>", "a": 1.5}}}
    with serve(
        post_api_show=Answer(SHOW), post_api_generate=says({"tool_calls": [call]})
    ) as server:
        assert run(server, "run", "m", "x").out == (
            "  Model called a non-existent function 'f()' with arguments: "
            '{"b":"\\u003c1\\u003e","a":1.5}\n\n'
        )


def test_statistics(run: Run) -> None:
    with serve(post_api_show=Answer(SHOW), post_api_generate=HELLO) as server:
        result = run(server, "run", "m", "x", "--verbose")
    assert result.err.endswith("total duration:       2s\neval count:           3 token(s)\n")


def test_an_error_in_the_stream(run: Run) -> None:
    answer = Answer(stream=[{"response": "Par"}, {"error": "unexpected EOF"}])
    with serve(post_api_show=Answer(SHOW), post_api_generate=answer) as server:
        result = run(server, "run", "m", "x")
    assert (result.code, result.out) == (1, "Par")
    assert result.err.endswith("Error: unexpected EOF\n")


def test_a_missing_model_is_pulled(run: Run) -> None:
    missing = Answer({"error": "model 'm' not found"}, 404)
    with serve(
        post_api_show=[missing, Answer(SHOW)],
        post_api_pull=Answer(stream=[{"status": "success"}]),
        post_api_generate=HELLO,
    ) as server:
        assert run(server, "run", "m", "x").out == "Hello\n\n"


def test_sign_in_is_asked_for(run: Run) -> None:
    refused = Answer({"error": "unauthorized", "signin_url": "https://x/y"}, 401)
    with serve(post_api_show=Answer(SHOW), post_api_generate=refused) as server:
        result = run(server, "run", "m", "x")
    assert result.code == 0
    assert "navigate to:\n    https://x/y\n" in result.out


def test_images_are_taken_out_of_the_prompt(run: Run, tmp_path: Path) -> None:
    (tmp_path / "my cat.png").write_bytes(PNG)
    (tmp_path / "text.png").write_text("no image")
    shown = Answer(SHOW | {"capabilities": ["completion", "vision"]})
    with serve(post_api_show=shown, post_api_generate=HELLO) as server:
        result = run(server, "run", "m", "what is ./my\\ cat.png and ./none.png")
        body = server.body("POST /api/generate")
        bad = run(server, "run", "m", "./text.png")
    assert "Added image './my cat.png'\n" in result.err
    assert body["prompt"] == "what is  and ./none.png"
    assert len(body["images"]) == 1
    assert bad.err.endswith("Error: invalid file type: application/octet-stream\n")


def test_embeddings(run: Run) -> None:
    shown = Answer(SHOW | {"capabilities": ["embedding"]})
    answer = Answer({"embeddings": [[0.1, 1e-07, 3, 0.10000000149011612]]})
    with serve(post_api_show=shown, post_api_embed=answer) as server:
        result = run(server, "run", "m", "t", "--truncate=false", "--dimensions", "4")
        nothing = run(server, "run", "m")
    assert result.out == "[0.1,1e-7,3,0.1]\n"
    assert server.body("POST /api/embed")["truncate"] is False
    assert "embedding models require input text" in nothing.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--think=maybe"], 'invalid value for --think: "maybe"'),
        (["--keepalive", "10"], 'time: missing unit in duration "10"'),
        (["--format", "yaml"], "invalid character 'y' looking for beginning of value"),
    ],
)
def test_bad_values(run: Run, words: list[str], text: str) -> None:
    with serve(post_api_show=Answer(SHOW), post_api_generate=HELLO) as server:
        result = run(server, "run", "m", "x", *words)
    assert result.code == 1
    assert text in result.err
    assert "POST /api/generate" not in server.routes
