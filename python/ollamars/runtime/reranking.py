"""What a reranker reads: a query and a document as one text.

Facts: llama.cpp's server.
"""

from __future__ import annotations

from collections.abc import Sequence

from ollamars.errors import BadRequest
from ollamars.runtime.engine import Tokenizer


def pairs(
    tokenizer: Tokenizer, template: str | None, query: str, documents: Sequence[str], most: int
) -> list[list[int]]:
    """The tokens of the query with each document, at most `most` of each.

    `template` is that of the model's file, with `{query}` and `{document}`; without one, special
    tokens part the two. Raises `BadRequest` for a query that leaves no room for a document.
    """
    if template is not None:
        return [_filled(tokenizer, template, query, document, most) for document in documents]
    before, after = _frame(tokenizer)
    begin = [*before, *tokenizer.encode(query), *after]
    end = _end(tokenizer)
    room = most - len(begin) - len(end)
    if room < 1:
        raise BadRequest("the query leaves no room for a document in the context")
    return [[*begin, *tokenizer.encode(document)[:room], *end] for document in documents]


def _frame(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """What stands before and after the query."""
    ids = tokenizer.special_ids
    before = [ids["bos"]] if tokenizer.add_bos or tokenizer.kind == "wpm" else []
    after = [ids["eos"]] if tokenizer.add_eos else []
    if tokenizer.add_sep or not after:
        after.append(ids["sep"])
    return _known(before), _known(after)


def _end(tokenizer: Tokenizer) -> list[int]:
    """What stands after the document."""
    ids = tokenizer.special_ids
    return _known([ids["eos"] if tokenizer.add_eos else ids["sep"]])


def _known(ids: list[int]) -> list[int]:
    return [token for token in ids if token >= 0]


def _filled(tokenizer: Tokenizer, template: str, query: str, document: str, most: int) -> list[int]:
    """The tokens of a template; of a document that is too long its beginning."""
    own = tokenizer.encode(document)
    while True:
        text = template.replace("{query}", query).replace("{document}", document)
        tokens = tokenizer.encode(text, special=True)
        excess = len(tokens) - most
        if excess <= 0:
            return tokens
        if excess >= len(own):
            raise BadRequest("the query leaves no room for a document in the context")
        own = own[: len(own) - excess]
        document = tokenizer.detokenize(own, special=True).decode("utf-8", "replace")
