"""all-MiniLM-L6-v2 as GGUF, from the files of its package: float32, named as llama.cpp's converter
names them.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.tiny_gguf import write_gguf

NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def safetensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The float32 tensors of a file."""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    tensors = {}
    for name, info in json.loads(data[8 : 8 + size]).items():
        if info.get("dtype") == "F32":
            start, end = (8 + size + offset for offset in info["data_offsets"])
            tensors[name] = np.frombuffer(data[start:end], "<f4").reshape(info["shape"])
    return tensors


def gguf_name(name: str) -> str | None:
    """The name in GGUF; None: of no use there."""
    stem, _, kind = name.rpartition(".")
    if stem.startswith("encoder.layer."):
        layer, _, part = stem.removeprefix("encoder.layer.").partition(".")
        return f"blk.{layer}.{NAMES[part]}.{kind}"
    return f"{NAMES[stem]}.{kind}" if stem in NAMES else None


def spelled(token: str) -> str:
    """Pieces that begin a word are marked, not those that go on."""
    if token in SPECIAL:
        return token
    return token.removeprefix("##") if token.startswith("##") else "\u2581" + token


def write_minilm(folder: Path, target: Path) -> Path:
    """Make `target` from the package's folder."""
    config = json.loads((folder / "config.json").read_text())
    tokens = (folder / "vocab.txt").read_text().splitlines()
    tensors = {gguf_name(name): array for name, array in _tensors(folder).items()}
    metadata: dict[str, Any] = {
        "general.architecture": "bert",
        "bert.block_count": config["num_hidden_layers"],
        "bert.context_length": config["max_position_embeddings"],
        "bert.embedding_length": config["hidden_size"],
        "bert.feed_forward_length": config["intermediate_size"],
        "bert.attention.head_count": config["num_attention_heads"],
        "bert.attention.layer_norm_epsilon": float(config["layer_norm_eps"]),
        "bert.attention.causal": False,
        "bert.pooling_type": 1,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": [spelled(token) for token in tokens],
        "tokenizer.ggml.token_type": [3 if token in SPECIAL else 1 for token in tokens],
        "tokenizer.ggml.bos_token_id": tokens.index("[CLS]"),
        "tokenizer.ggml.eos_token_id": tokens.index("[SEP]"),
        "tokenizer.ggml.unknown_token_id": tokens.index("[UNK]"),
        "tokenizer.ggml.seperator_token_id": tokens.index("[SEP]"),
        "tokenizer.ggml.padding_token_id": tokens.index("[PAD]"),
        "tokenizer.ggml.mask_token_id": tokens.index("[MASK]"),
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": True,
        "tokenizer.ggml.add_sep_token": False,
    }
    return write_gguf(target, metadata, {name: tensors[name] for name in tensors if name})


def _tensors(folder: Path) -> dict[str, NDArray[np.float32]]:
    return safetensors(folder / "model.safetensors")
