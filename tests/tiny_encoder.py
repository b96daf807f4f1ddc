"""A small BERT as a GGUF file: random weights, words of one letter or a few, vectors of 32."""

from __future__ import annotations

import string
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.tiny_gguf import write_gguf

WIDTH = 32
CONTEXT = 16
"""Tokens."""
_HIDDEN = 64
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_WORDS = ["the", "cat", "sat", "dog", *string.ascii_lowercase]


def encoder_model(path: Path, *, seed: int = 0) -> Path:
    """Write the model."""
    tokens = [*_SPECIAL, *("\u2581" + word for word in _WORDS), *string.ascii_lowercase]
    metadata = {
        "general.architecture": "bert",
        "bert.block_count": 1,
        "bert.context_length": CONTEXT,
        "bert.embedding_length": WIDTH,
        "bert.feed_forward_length": _HIDDEN,
        "bert.attention.head_count": 2,
        "bert.attention.layer_norm_epsilon": 1e-12,
        "bert.attention.causal": False,
        "bert.pooling_type": 1,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3 if token in _SPECIAL else 1 for token in tokens],
        "tokenizer.ggml.bos_token_id": tokens.index("[CLS]"),
        "tokenizer.ggml.eos_token_id": tokens.index("[SEP]"),
        "tokenizer.ggml.unknown_token_id": tokens.index("[UNK]"),
        "tokenizer.ggml.seperator_token_id": tokens.index("[SEP]"),
        "tokenizer.ggml.padding_token_id": tokens.index("[PAD]"),
    }
    return write_gguf(path, metadata, _tensors(len(tokens), seed))


def _tensors(count: int, seed: int) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float) -> NDArray[np.float32]:
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    tensors = {
        "token_embd.weight": normal(count, WIDTH, scale=1.0),
        "position_embd.weight": normal(CONTEXT, WIDTH, scale=0.3),
        "token_types.weight": normal(2, WIDTH, scale=0.1),
    }
    shapes = {
        **{f"attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")},
        "ffn_up": (_HIDDEN, WIDTH),
        "ffn_down": (WIDTH, _HIDDEN),
    }
    for name, shape in shapes.items():
        tensors[f"blk.0.{name}.weight"] = normal(*shape, scale=0.15)
        tensors[f"blk.0.{name}.bias"] = normal(shape[0], scale=0.05)
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        tensors[f"{name}.weight"] = np.ones(WIDTH, np.float32)
        tensors[f"{name}.bias"] = np.zeros(WIDTH, np.float32)
    return tensors
