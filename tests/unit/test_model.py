"""The embedding API on the tiny model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ollamars
import ollamars.errors
from ollamars.errors import BadRequest, ModelError, NotFound
from tests.tiny_gguf import CHAINS, LOOP


@pytest.fixture(scope="module")
def model(tiny_gguf: Path) -> ollamars.Model:
    return ollamars.Model(tiny_gguf, num_ctx=128)


def test_facts(model: ollamars.Model, tiny_gguf: Path) -> None:
    assert model.num_ctx == 128
    assert model.architecture == "llama"
    assert model.path == tiny_gguf


def test_tokenize_and_back(model: ollamars.Model) -> None:
    ids = model.tokenize("a<|im_end|>b")
    assert len(ids) == 3
    assert model.detokenize(ids) == "ab"
    assert model.tokenizer.decode(ids, raw=True) == b"a<|im_end|>b"
    assert len(model.tokenize("<|im_end|>", special=False)) > 1


def test_logits_are_causal(model: ollamars.Model) -> None:
    ids = model.tokenize("abcdef")
    logits = model.logits(ids)
    assert logits.shape == (6, model.tokenizer.n_tokens)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(model.logits(ids[:3]), logits[:3], atol=1e-5)
    first = model.tokenize("0")
    assert model.detokenize([int(model.logits(first)[0].argmax())]) == CHAINS[0][0]


def test_generate_streams_and_joins(model: ollamars.Model) -> None:
    chunks = list(model.generate("2"))
    assert "".join(map(str, chunks)) == "".join(CHAINS[2])
    assert [chunk.done for chunk in chunks[:-1]] == [False] * (len(chunks) - 1)
    whole = model.generate("2", stream=False)
    assert whole.text == "".join(CHAINS[2])
    assert whole.done_reason == "stop"
    assert whole.eval_tokens == len(CHAINS[2]) + 1
    assert whole.prompt_tokens == 1


def test_options(model: ollamars.Model) -> None:
    assert model.generate("9", stream=False, num_predict=3).text == "la li lu"
    assert model.generate("3", stream=False, stop=[" there"]).text == "stop here not"
    with pytest.raises(BadRequest, match="no_such_option"):
        model.generate("x", stream=False, no_such_option=1)
    with pytest.raises(BadRequest, match="temperature"):
        model.generate("x", stream=False, temperature="hot")


def test_chat_uses_the_template(tiny_gguf: Path, model: ollamars.Model) -> None:
    answer = model.chat([{"role": "user", "content": "hi"}], stream=False)
    assert answer.text.startswith(CHAINS[0][0])


def test_a_stream_that_is_dropped_stops_the_work(model: ollamars.Model) -> None:
    stream = model.generate("9", num_predict=100_000)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # the iterator is a generator
    assert model.generate("1", stream=False).text == "One chunk"


def test_context_shift_goes_on_past_the_context(model: ollamars.Model) -> None:
    whole = model.generate("9", stream=False, num_predict=300)
    assert whole.eval_tokens == 300
    assert whole.text == "".join(LOOP[i % 4] for i in range(300))


def test_many_threads(model: ollamars.Model) -> None:
    prompts = ["0", "1", "2", "3"] * 8
    with ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(lambda prompt: model.generate(prompt, stream=False).text, prompts))
    assert texts == ["".join(CHAINS[int(prompt)]) for prompt in prompts]


def test_perplexity(model: ollamars.Model) -> None:
    assert model.perplexity("la li lu lo" * 40, 32) > 1
    with pytest.raises(BadRequest, match="fewer than one window"):
        model.perplexity("short", 64)


def test_a_prompt_longer_than_the_context(model: ollamars.Model) -> None:
    with pytest.raises(ollamars.errors.OllamarsError, match="context"):
        model.generate("x" * 500, stream=False)


def test_bad_files(tmp_path: Path, tiny_gguf: Path) -> None:
    data = tiny_gguf.read_bytes()
    (tmp_path / "short.gguf").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="exceeds file size"):
        ollamars.Model(tmp_path / "short.gguf")
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(ModelError):
        ollamars.Model(tmp_path / "text.gguf")
    with pytest.raises(ModelError):
        ollamars.Tokenizer(tmp_path / "text.gguf")
    with pytest.raises(NotFound):
        ollamars.Model(tmp_path / "absent.gguf")


def test_close_is_idempotent_and_final(tiny_gguf: Path) -> None:
    with ollamars.Model(tiny_gguf) as model:
        assert model.generate("1", stream=False).text == "One chunk"
    model.close()
    with pytest.raises(BadRequest, match="closed"):
        model.generate("1", stream=False)


def test_a_text_in_a_form(model: ollamars.Model) -> None:
    def say(prompt: str, **options: Any) -> str:
        return model.generate(prompt, stream=False, temperature=0, num_predict=40, **options).text

    assert say("x1") == "One chunk"
    assert say("x1", regex="One( [a-z]+)?!") == "One chunk!"
    assert say("x1", gbnf='root ::= "(" root ")" | "One"') == "One"
    assert say("x1", lark='start: "One" /[a-d]/') == "Onea"
    assert say("x1", format={"const": "One"}) == '"One"'
    assert say("x1", format="json").startswith("{")

    # Without an end token a text ends where it is complete.
    whole = model.generate("x1", stream=False, regex="One", ignore_eog=True)
    assert (whole.text, whole.done_reason) == ("One", "stop")


def test_a_form_that_cannot_be(model: ollamars.Model) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"format": {"type": "x"}}, '#/type: "x" is no type'),
        ({"format": "xml"}, "format must be"),
        ({"format": {"const": object()}}, "cannot be written as JSON"),
        ({"format": "json", "regex": "a"}, "only one of format and regex"),
        ({"gbnf": "root ::= x"}, 'gbnf: there is no rule "x"'),
        ({"lark": 3}, 'option "lark" must be of type string'),
    ]
    for options, why in cases:
        with pytest.raises(BadRequest, match=why):
            model.generate("x", stream=False, **options)
