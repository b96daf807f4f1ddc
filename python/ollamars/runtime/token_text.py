"""The text of an answer, token by token: special tokens that a parser reads, log-probabilities."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ollamars.runtime.engine import Event, Tokenizer


@dataclass(frozen=True, slots=True)
class TokenProbability:
    """A token of an answer and how likely it was."""

    text: bytes
    logprob: float
    """Natural logarithm."""
    top: tuple[TokenProbability, ...] = ()
    """The likeliest tokens of this step, best first."""


@dataclass(frozen=True, slots=True)
class News:
    """What an event adds to the text, and the tokens behind text that is out."""

    text: str = ""
    tokens: tuple[TokenProbability, ...] = ()


def special_texts(tokenizer: Tokenizer, texts: Iterable[str]) -> dict[int, str]:
    """The special tokens in `texts`, whose text the engine leaves out, by id."""
    tokens = {token for text in texts for token in tokenizer.encode(text, special=True)}
    return {
        token: tokenizer.piece(token, special=True).decode("utf-8", "replace")
        for token in tokens
        if not tokenizer.piece(token, special=False)
    }


def _cut(token: TokenProbability, count: int) -> TokenProbability:
    """A token with the first `count` characters of its text."""
    text = token.text.decode("utf-8", "replace")
    return token if count >= len(text) else replace(token, text=text[:count].encode())


class TokenText:
    """Puts special tokens back where they stood, and gives a token's news with its text.

    The engine holds text back that may become a stop string or is half a character, so tokens
    run ahead of it; both are counted in characters.
    """

    def __init__(
        self, tokenizer: Tokenizer, special: Mapping[int, str], *, logprobs: bool = False
    ) -> None:
        """`special`: texts of special tokens that count as text."""
        self._tokenizer = tokenizer
        self._special = special
        self._logprobs = logprobs
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._made = 0
        self._sent = 0
        self._tags: deque[tuple[int, str]] = deque()
        """Special tokens and the count of characters before each."""
        self._tokens: deque[tuple[int, int, TokenProbability]] = deque()
        """Tokens with the counts before and behind each."""

    def add(self, event: Event) -> News:
        """What is certain with the next event."""
        if not self._special and not self._logprobs:
            return News(event.text)
        if event.token >= 0:
            self._count(event)
        text = self._with_tags(event.text)
        return News(text, tuple(self._released(event)))

    def _count(self, event: Event) -> None:
        before = self._made
        piece = self._tokenizer.piece(event.token, special=False)
        self._made += len(self._decoder.decode(piece))
        tag = self._special.get(event.token)
        if tag is not None:
            self._tags.append((before, tag))
        if event.logprob is not None and not self._is_end(event):
            top = tuple(TokenProbability(self._bytes(each), value) for each, value in event.top)
            token = TokenProbability(self._bytes(event.token), event.logprob, top)
            self._tokens.append((before, self._made, token))

    def _is_end(self, event: Event) -> bool:
        return event.done == "stop" and event.token in self._tokenizer.eog

    def _bytes(self, token: int) -> bytes:
        special = self._special.get(token)
        return special.encode() if special else self._tokenizer.piece(token, special=False)

    def _with_tags(self, text: str) -> str:
        start, self._sent = self._sent, self._sent + len(text)
        parts = []
        while self._tags and self._tags[0][0] <= self._sent:
            at, tag = self._tags.popleft()
            before, text = text[: max(at - start, 0)], text[max(at - start, 0) :]
            start += len(before)
            parts += [before, tag]
        return "".join([*parts, text])

    def _released(self, event: Event) -> Iterable[TokenProbability]:
        """Tokens whose text is out; at the end all but those of a stop string.

        A token that the stop string begins in has the text before it.
        """
        everything = event.done is not None and (event.done != "stop" or self._is_end(event))
        while self._tokens:
            before, behind, token = self._tokens[0]
            cut = event.done is not None and before < self._sent
            if not everything and behind > self._sent and not cut:
                break
            self._tokens.popleft()
            yield token if everything or not cut else _cut(token, self._sent - before)
