"""`Model.embed` and `Model.rank` on a small BERT, on every executor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import ollamars
from ollamars.errors import BadRequest, OllamarsError
from tests.tiny_bert import CLS, CONTEXT, RANK, SEP, hidden, ids, relevance, tensors, tiny_bert
from tests.tiny_gguf import WIDTH

TEXTS = ["a", "abc de f", "q w e r t y", "zz top", "hello world"]


@pytest.fixture(params=["candle", "cpu"])
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OLLAMARS_EXEC", request.param)
    return str(request.param)


@pytest.fixture
def model(executor: str, tmp_path: Path) -> Iterator[ollamars.Model]:
    with ollamars.Model(tiny_bert(tmp_path / "bert.gguf")) as model:
        yield model


def test_vectors_are_those_of_numpy(model: ollamars.Model) -> None:
    assert model.tokenize("abc de") == ids("abc de")
    vectors = model.embed(TEXTS, normalize=False)
    assert vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(vector, hidden(ids(text), tensors()).mean(axis=0), atol=2e-5)


def test_vectors_have_length_one(model: ollamars.Model) -> None:
    vectors, raw = model.embed(TEXTS), model.embed(TEXTS, normalize=False)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, raw / lengths, atol=1e-6)


def test_bits_do_not_depend_on_neighbours(model: ollamars.Model) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    texts = [" ".join(letters[n % 7 : n % 7 + n % 19 + 1]) for n in range(100)]
    together = model.embed(texts)
    alone = np.concatenate([model.embed([text]) for text in texts])
    assert (together == alone).all()
    assert (model.embed(texts[::-1])[::-1] == together).all()


def test_no_text_and_empty_texts(model: ollamars.Model) -> None:
    assert model.embed([]).shape == (0, 24)
    empty, blank = model.embed(["", "  "])
    np.testing.assert_array_equal(empty, blank)
    wanted = hidden([CLS, SEP], tensors()).mean(axis=0)
    np.testing.assert_allclose(empty, wanted / np.linalg.norm(wanted), atol=1e-5)


def test_a_long_text_is_cut_before_its_end_token(model: ollamars.Model) -> None:
    long = "a " * 200
    tokens = [*ids(long)[: CONTEXT - 1], SEP]
    wanted = hidden(tokens, tensors()).mean(axis=0)
    np.testing.assert_allclose(model.embed([long], normalize=False)[0], wanted, atol=2e-5)


def test_an_encoder_says_nothing(model: ollamars.Model) -> None:
    with pytest.raises(OllamarsError, match="it does not generate text"):
        model.generate("a", stream=False)
    with pytest.raises(BadRequest, match="no output of the kind Logits"):
        model.logits([1, 2])
    with pytest.raises(BadRequest, match="no reranker's head"):
        model.rank("a", ["b"])


def test_a_reranker(executor: str, tmp_path: Path) -> None:
    documents = ["b c", "abc", "x y z", "a " * 300]
    with ollamars.Model(tiny_bert(tmp_path / "rank.gguf", pooling=RANK)) as model:
        relevances = model.rank("q a", documents)
        with pytest.raises(BadRequest, match="leaves no room"):
            model.rank("a " * 300, documents)
    for document, found in zip(documents, relevances, strict=True):
        room = CONTEXT - len(ids("q a")) - 1
        pair = [*ids("q a"), *ids(document)[1:-1][:room], SEP]
        assert found == pytest.approx(relevance(pair, tensors(rank=True)), abs=1e-4)


def test_a_text_model_gives_its_last_hidden_state(tiny_gguf: Path, executor: str) -> None:
    with ollamars.Model(tiny_gguf, num_ctx=256) as model:
        vectors = model.embed(["ab", "x" * 200, "b"])
        assert vectors.shape == (3, WIDTH)
        # The successor model's hidden state depends on the last token alone.
        np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)
