"""Special tokens in the text of an answer, and tokens that come with their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from ollamars.runtime.token_text import TokenText, special_texts
from tests.scripted_engine import ByteTokenizer, ScriptedEvent

TAG = 1


class Tokenizer(ByteTokenizer):
    """Bytes, and one special token."""

    eog: ClassVar[Sequence[int]] = (0,)

    def piece(self, id: int, *, special: bool = True) -> bytes:
        if id in (0, TAG):
            return b"<tag>" if special and id == TAG else b""
        return bytes([id])

    def encode(
        self, text: str | bytes, *, special: bool = False, add_special: bool = False
    ) -> list[int]:
        return [TAG] if text == "<tag>" else super().encode(text)


def events(tokens: Sequence[int], delay: int, done: str) -> list[ScriptedEvent]:
    """What an engine says that holds back the last `delay` characters."""
    found, made, sent = [], b"", 0
    for number, token in enumerate(tokens):
        made += Tokenizer().piece(token, special=False)
        last = number == len(tokens) - 1
        text = made.decode("utf-8", "replace" if last else "ignore")
        upto = len(text) if last else max(len(text) - delay, sent)
        reason = done if last else None
        found.append(ScriptedEvent(1, text[sent:upto], token, reason, logprob=-1.0))
        sent = upto
    return found


def test_only_special_tokens_need_help() -> None:
    assert special_texts(Tokenizer(), ["<tag>", "x", "long"]) == {TAG: "<tag>"}


@given(st.lists(st.sampled_from(["<tag>", "a", "é", "🙂"]), max_size=8), st.integers(0, 3))
def test_tags_stand_where_they_were_said(words: list[str], delay: int) -> None:
    tokens = [token for word in words for token in Tokenizer().encode(word)]
    text = TokenText(Tokenizer(), {TAG: "<tag>"}, logprobs=True)
    news = [text.add(event) for event in events([*tokens, 0], delay, "stop")]
    assert "".join(each.text for each in news) == "".join(words)
    said = b"".join(token.text for each in news for token in each.tokens)
    assert said.decode() == "".join(words)


def test_a_token_waits_for_its_text() -> None:
    text = TokenText(Tokenizer(), {}, logprobs=True)
    assert text.add(ScriptedEvent(1, "", ord("a"), logprob=-1.0)).tokens == ()
    assert [
        token.text for token in text.add(ScriptedEvent(1, "ab", ord("b"), logprob=0)).tokens
    ] == [
        b"a",
        b"b",
    ]


def test_tokens_of_a_stop_string_are_dropped() -> None:
    text = TokenText(Tokenizer(), {}, logprobs=True)
    assert text.add(ScriptedEvent(1, "", ord("E"), logprob=-1.0)).tokens == ()
    assert text.add(ScriptedEvent(1, "", ord("N"), "stop", logprob=-1.0)).tokens == ()
