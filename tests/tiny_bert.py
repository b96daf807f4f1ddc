"""A small BERT with random weights, and the same computed again with numpy.

Words of its vocabulary are single letters; `ab` is the letter `a` and the piece `b`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.tiny_gguf import write_gguf

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS = [*SPECIAL, *("\u2581" + letter for letter in LETTERS), *LETTERS]
CLS, SEP = 2, 3
WIDTH, HEADS, HIDDEN, CONTEXT, LAYERS = 24, 3, 40, 48, 2
EPS = 1e-6
MEAN, RANK = 1, 4

Tensors = dict[str, NDArray[np.float32]]
Rows = NDArray[np.float64]


def metadata(pooling: int) -> dict[str, Any]:
    return {
        "general.architecture": "bert",
        "general.name": "tiny bert",
        "bert.block_count": LAYERS,
        "bert.context_length": CONTEXT,
        "bert.embedding_length": WIDTH,
        "bert.feed_forward_length": HIDDEN,
        "bert.attention.head_count": HEADS,
        "bert.attention.layer_norm_epsilon": EPS,
        "bert.attention.causal": False,
        "bert.pooling_type": pooling,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": TOKENS,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(TOKENS) - len(SPECIAL)),
        "tokenizer.ggml.bos_token_id": CLS,
        "tokenizer.ggml.seperator_token_id": SEP,
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.mask_token_id": 4,
    }


def tensors(*, rank: bool = False) -> Tensors:
    rng = np.random.default_rng(7)
    made: Tensors = {}

    def add(name: str, *shape: int, size: float = 1.0) -> None:
        made[name] = (rng.standard_normal(shape) * size).astype(np.float32)

    def linear(name: str, outputs: int, inputs: int) -> None:
        add(f"{name}.weight", outputs, inputs, size=1.5 / inputs**0.5)
        add(f"{name}.bias", outputs, size=0.3)

    def norm(name: str) -> None:
        add(f"{name}.weight", WIDTH, size=0.2)
        made[f"{name}.weight"] += 1
        add(f"{name}.bias", WIDTH, size=0.2)

    add("token_embd.weight", len(TOKENS), WIDTH)
    add("position_embd.weight", CONTEXT, WIDTH, size=0.5)
    add("token_types.weight", 2, WIDTH, size=0.5)
    norm("token_embd_norm")
    for layer in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            linear(f"blk.{layer}.{part}", WIDTH, WIDTH)
        norm(f"blk.{layer}.attn_output_norm")
        linear(f"blk.{layer}.ffn_up", HIDDEN, WIDTH)
        linear(f"blk.{layer}.ffn_down", WIDTH, HIDDEN)
        norm(f"blk.{layer}.layer_output_norm")
    if rank:
        linear("cls", WIDTH, WIDTH)
        linear("cls.output", 1, WIDTH)
    return made


def tiny_bert(path: Path, *, pooling: int = MEAN) -> Path:
    """Write the model; with the pooling `RANK` it is a reranker."""
    return write_gguf(path, metadata(pooling), tensors(rank=pooling == RANK))


def ids(text: str) -> list[int]:
    """The tokens of words of letters, the special ones included."""
    words = (TOKENS.index("\u2581" + word[0]) for word in text.split())
    pieces = [
        [first, *(TOKENS.index(letter, 31) for letter in word[1:])]
        for first, word in zip(words, text.split(), strict=True)
    ]
    return [CLS, *(token for piece in pieces for token in piece), SEP]


def hidden(tokens: list[int], made: Tensors) -> Rows:
    """The hidden state of every token, in double precision."""
    wide = {name: array.astype(np.float64) for name, array in made.items()}

    def linear(name: str, x: Rows) -> Rows:
        return x @ wide[f"{name}.weight"].T + wide[f"{name}.bias"]

    def norm(name: str, x: Rows) -> Rows:
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + EPS)
        return x * wide[f"{name}.weight"] + wide[f"{name}.bias"]

    x = wide["token_embd.weight"][tokens] + wide["token_types.weight"][0]
    x = norm("token_embd_norm", x + wide["position_embd.weight"][: len(tokens)])
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        q, k, v = (
            linear(f"{name}attn_{part}", x).reshape(len(tokens), HEADS, -1).swapaxes(0, 1)
            for part in "qkv"
        )
        weights = np.exp(q @ k.swapaxes(1, 2) / (WIDTH / HEADS) ** 0.5)
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ v).swapaxes(0, 1).reshape(len(tokens), WIDTH)
        x = norm(f"{name}attn_output_norm", x + linear(f"{name}attn_output", mixed))
        up = linear(f"{name}ffn_up", x)
        up = up * (1 + np.tanh((2 / np.pi) ** 0.5 * (up + 0.044715 * up**3))) / 2
        x = norm(f"{name}layer_output_norm", x + linear(f"{name}ffn_down", up))
    return x


def relevance(tokens: list[int], made: Tensors) -> float:
    """What the reranker says of a pair."""
    first = hidden(tokens, made)[0]
    pooled = np.tanh(made["cls.weight"] @ first + made["cls.bias"])
    logit = made["cls.output.weight"] @ pooled + made["cls.output.bias"]
    return float(1 / (1 + np.exp(-logit[0])))
