"""GGUF models of true shapes with random weights: speed needs no meaning.

The type of each tensor follows llama.cpp's rules for the mix: a file is as large as the real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shape:
    """A dense model of the llama kind with tied embeddings."""

    arch: str
    layers: int
    width: int
    ffn: int
    heads: int
    kv_heads: int
    vocab: int
    rope_base: float
    eps: float
    bias: bool = False
    head_dim: int = 64


SHAPES = {
    "qwen2.5-0.5b": Shape("qwen2", 24, 896, 4864, 14, 2, 151936, 1e6, 1e-6, bias=True),
    "llama-3.2-1b": Shape("llama", 16, 2048, 8192, 32, 8, 128256, 5e5, 1e-5),
}
MIXES = {
    "q4_k_m": (Type.Q4_K, Type.Q6_K),
    "q8_0": (Type.Q8_0, Type.Q8_0),
    "q4_0": (Type.Q4_0, Type.Q6_K),
    "bf16": (Type.BF16, Type.BF16),
}
"""Type of most tensors, type of the embeddings."""
FALLBACK = {Type.Q4_K: Type.Q5_0, Type.Q6_K: Type.Q8_0}
"""Where rows are no whole number of blocks."""
BLOCKS = {
    Type.BF16: (1, 2),
    Type.Q4_0: (32, 18),
    Type.Q5_0: (32, 22),
    Type.Q8_0: (32, 34),
    Type.Q4_K: (256, 144),
    Type.Q6_K: (256, 210),
}
"""Values and bytes of a block."""


def make(shape: str, mix: str, path: Path) -> None:
    """Write the model unless it is there; half-written files never have its name."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    writer = GGUFWriter(part, SHAPES[shape].arch)
    _metadata(writer, SHAPES[shape])
    rng = np.random.default_rng(1)
    for name, rows, columns in _matrices(SHAPES[shape]):
        ty = _type(name, mix, columns, SHAPES[shape].layers)
        data = _blocks(ty, rows, columns, rng)
        writer.add_tensor(name, data, raw_dtype=ty)
    for name, vector in _vectors(SHAPES[shape], rng):
        writer.add_tensor(name, vector)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.rename(path)


def _matrices(s: Shape) -> Iterator[tuple[str, int, int]]:
    """Name, rows, columns."""
    yield "token_embd.weight", s.vocab, s.width
    inner, kv = s.heads * s.head_dim, s.kv_heads * s.head_dim
    for layer in range(s.layers):
        block = f"blk.{layer}."
        yield block + "attn_q.weight", inner, s.width
        yield block + "attn_k.weight", kv, s.width
        yield block + "attn_v.weight", kv, s.width
        yield block + "attn_output.weight", s.width, inner
        yield block + "ffn_gate.weight", s.ffn, s.width
        yield block + "ffn_up.weight", s.ffn, s.width
        yield block + "ffn_down.weight", s.width, s.ffn


def _vectors(s: Shape, rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    one = np.ones(s.width, np.float32)
    yield "output_norm.weight", one
    sizes = {"q": s.heads * s.head_dim, "k": s.kv_heads * s.head_dim, "v": s.kv_heads * s.head_dim}
    for layer in range(s.layers):
        yield f"blk.{layer}.attn_norm.weight", one
        yield f"blk.{layer}.ffn_norm.weight", one
        for name, size in sizes.items() if s.bias else ():
            bias = rng.standard_normal(size, np.float32) * np.float32(0.02)
            yield f"blk.{layer}.attn_{name}.bias", bias


def _type(name: str, mix: str, columns: int, layers: int) -> Type:
    """As llama.cpp chooses it: some values and down projections are finer in Q4_K_M."""
    usual, fine = MIXES[mix]
    ty = usual
    if name == "token_embd.weight":
        ty = fine
    elif mix == "q4_k_m" and ("attn_v" in name or "ffn_down" in name):
        layer = int(name.split(".")[1])
        eighth = layers // 8
        outer = layer < eighth or layer >= 7 * layers // 8
        ty = fine if outer or (layer - eighth) % 3 == 2 else usual
    return ty if columns % BLOCKS[ty][0] == 0 else FALLBACK[ty]


def _blocks(ty: Type, rows: int, columns: int, rng: np.random.Generator) -> Bytes:
    """Random codes, with scales that keep activations finite: `[rows, bytes of a row]`."""
    values, size = BLOCKS[ty]
    sigma = columns**-0.5
    count = rows * columns // values
    if ty == Type.BF16:
        numbers = rng.standard_normal(count, np.float32) * np.float32(sigma)
        return (numbers.view(np.uint32) >> 16).astype("<u2").view(np.uint8).reshape(rows, -1)
    blocks = np.frombuffer(rng.bytes(count * size), np.uint8).reshape(count, size).copy()
    sign = np.where(blocks[:, -1] & 1, np.float32(1), np.float32(-1))

    def put(at: int, scale: NDArray[np.float32] | np.float32) -> None:
        halves = np.broadcast_to(np.asarray(scale, np.float32), count).astype("<f2")
        blocks[:, at : at + 2] = halves.view(np.uint8).reshape(count, 2)

    match ty:
        case Type.Q4_0 | Type.Q5_0:
            put(0, sign * np.float32(sigma / (4.6 if ty == Type.Q4_0 else 9.2)))
        case Type.Q8_0:
            put(0, np.float32(sigma / 74))
        case Type.Q6_K:
            blocks[:, 192:208] &= 127
            put(208, sign * np.float32(sigma / (18.5 * 70)))
        case _:
            # All factors and minimums alike, and minimums that give the block a mean of about zero.
            blocks[:, 4:12] = 32 | 2 << 6
            blocks[:, 12:16] = 0
            put(0, np.float32(sigma / (4.6 * 32)))
            put(2, np.float32(7.5 * sigma / (4.6 * 32)))
    return blocks.reshape(rows, -1)


def _metadata(writer: GGUFWriter, s: Shape) -> None:
    writer.add_name("synthetic")
    writer.add_block_count(s.layers)
    writer.add_context_length(32768)
    writer.add_embedding_length(s.width)
    writer.add_feed_forward_length(s.ffn)
    writer.add_head_count(s.heads)
    writer.add_head_count_kv(s.kv_heads)
    writer.add_layer_norm_rms_eps(s.eps)
    writer.add_rope_freq_base(s.rope_base)
    writer.add_rope_dimension_count(s.head_dim)
    writer.add_vocab_size(s.vocab)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2" if s.arch == "qwen2" else "llama-bpe")
    letters = [chr(code) for code in range(33, 127)]
    tokens = letters + [f"<{index}>" for index in range(len(letters), s.vocab - 1)] + ["<|end|>"]
    writer.add_token_list(tokens)
    writer.add_token_types([1] * (s.vocab - 1) + [3])
    writer.add_token_merges(["< 1"])
    writer.add_eos_token_id(s.vocab - 1)
