"""Small GGUF files for tests: a writer of the format, and a model whose text is known.

The *successor model* is one llama layer whose attention and feed-forward outputs are zero, so the
next token depends on the last token alone and leads by a wide margin: every correct engine gives
the same text at every sampling setting. A digit `k` at the end of the prompt begins chain `k` of
`CHAINS`; any other byte begins the default chain.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHAINS: dict[int, Sequence[str]] = {
    0: ["Hello", " from", " a", " tiny", " model"],
    1: ["One", " chunk"],
    2: ["Zwölf", " Boxkämpfer", " 🙂"],
    3: ["stop", " here", " not", " there"],
    4: [
        "Let me look. ",
        "<tool_call>",
        "\n<function=get_weather>\n<para",
        "meter=city>\nParis",
        "\n</parameter>\n</function>\n",
        "</tool_call>",
    ],
    5: [
        "<|channel|>",
        "analysis<|message|>",
        "The user",
        " wants a call.<|end|>",
        "<|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>",
        '{"city":',
        ' "Paris"}',
    ],
    6: ["<|message|>", "It is", " sunny."],
    7: ["It", " rains."],
}
"""4 calls a tool as Qwen3-Coder does, 5 and 6 speak harmony, whose tags are special tokens."""
LOOP = ["la", " li", " lu", " lo"]
"""Chain 9 goes round these for ever."""
WIDTH = 128
SPECIALS = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|channel|>",
    "<|message|>",
    "<tool_call>",
    "</tool_call>",
]

_TYPES: dict[type, tuple[int, str]] = {bool: (7, "<?"), float: (6, "<f")}


def _string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def _value(value: Any) -> bytes:
    """A typed value: bool, float (f32), str, int (u32), list of str, int (i32) or float."""
    if isinstance(value, str):
        return struct.pack("<I", 8) + _string(value)
    if isinstance(value, list):
        if isinstance(value[0], str | bytes):
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_string, value))
        code, form = (6, "f") if isinstance(value[0], float) else (5, "i")
        return struct.pack(f"<IIQ{len(value)}{form}", 9, code, len(value), *value)
    code, form = _TYPES.get(type(value), (4, "<I"))
    return struct.pack("<I", code) + struct.pack(form, value)


def write_gguf(
    path: Path, metadata: Mapping[str, Any], tensors: Mapping[str, NDArray[np.float32]]
) -> Path:
    """Write a version-3 file with float32 tensors."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += _string(key) + _value(value)
    offset, data = 0, b""
    for name, array in tensors.items():
        dims = array.shape[::-1]
        head += _string(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims)
        head += struct.pack("<IQ", 0, offset)
        piece = array.astype("<f4").tobytes()
        piece += b"\0" * (-len(piece) % 32)
        data += piece
        offset += len(piece)
    head += b"\0" * (-len(head) % 32)
    path.write_bytes(head + data)
    return path


def byte_tokens() -> list[str]:
    """GPT-2's printable stand-ins of the 256 bytes, in byte order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    out, extra = [], 0
    for byte in range(256):
        if byte in plain:
            out.append(chr(byte))
        else:
            out.append(chr(256 + extra))
            extra += 1
    return out


def _spell(text: str) -> str:
    table = byte_tokens()
    return "".join(table[byte] for byte in text.encode())


def successor_model(
    path: Path,
    *,
    context: int = 512,
    chat_template: str | None = None,
    seed: int = 0,
    default_chain: int = 0,
) -> Path:
    """Write the successor model described above."""
    spoken = [word for chain in (*CHAINS.values(), LOOP) for word in chain]
    words = [_spell(word) for word in spoken if word not in SPECIALS]
    tokens = byte_tokens() + words + SPECIALS
    ids = {token: index for index, token in enumerate(tokens)}
    end = ids["<|im_end|>"]
    follow: dict[int, int] = {}
    for digit, chain in CHAINS.items():
        spelled = [ids[_spell(word)] for word in chain]
        follow[ord("0") + digit] = spelled[0]
        follow |= dict(zip(spelled, [*spelled[1:], end], strict=True))
    loop = [ids[_spell(word)] for word in LOOP]
    follow[ord("9")] = loop[0]
    follow |= dict(zip(loop, [*loop[1:], loop[0]], strict=True))
    tensors = _tensors(len(tokens), follow, ids[_spell(CHAINS[default_chain][0])], seed)
    return write_gguf(path, _metadata(tokens, context, chat_template), tensors)


JSON_WORDS = [
    '{"',
    '"}',
    '":',
    '": "',
    '", "',
    "},",
    "[]",
    " true",
    "null",
    "12",
    "-0",
    "e5",
    "1.",
    '\\"',
    "\\u",
]
"""Tokens that run over the borders of what a grammar is made of."""
WORDS = [
    " the",
    "name",
    "age",
    "ab",
    "aa",
    "cat",
    "do",
    "gé",
    "\n ",
    "  ",
    "2024-",
    ":3",
    "ö",
    "é 🙂",
]


def random_model(path: Path, *, seed: int = 0, context: int = 1024) -> Path:
    """Write a model that says anything after anything; ends of texts and quotes are likelier."""
    tokens = byte_tokens() + [_spell(word) for word in JSON_WORDS + WORDS] + SPECIALS
    rng = np.random.default_rng(seed)
    likely = {'"': 5.0, "}": 5.0, "]": 5.0, '"}': 4.0, "<|im_end|>": 6.0, ",": 2.0, "0": 2.0}
    bias = np.array([likely.get(token, 0.0) for token in tokens], np.float32)
    tensors = _tensors(len(tokens), {}, 0, seed)
    embed = rng.standard_normal((len(tokens), WIDTH)).astype(np.float32)
    embed[:, 0] = WIDTH**0.5
    head = rng.standard_normal((len(tokens), WIDTH)).astype(np.float32) * 0.2
    head[:, 0] = bias / WIDTH**0.5 * 2**0.5
    tensors |= {"token_embd.weight": embed, "output.weight": head}
    return write_gguf(path, _metadata(tokens, context, None), tensors)


def _metadata(tokens: list[str], context: int, chat_template: str | None) -> dict[str, Any]:
    first_special = len(tokens) - len(SPECIALS)
    metadata: dict[str, Any] = {
        "general.architecture": "llama",
        "general.name": "tiny",
        "general.file_type": 0,
        "llama.block_count": 1,
        "llama.context_length": context,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": 32,
        "llama.attention.head_count": 2,
        "llama.attention.head_count_kv": 1,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // 2,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * first_special + [3] * len(SPECIALS),
        "tokenizer.ggml.merges": ["Ġ Ġ"],
        "tokenizer.ggml.bos_token_id": first_special,
        "tokenizer.ggml.eos_token_id": first_special + 2,
        "tokenizer.ggml.add_bos_token": False,
    }
    if chat_template is not None:
        metadata["tokenizer.chat_template"] = chat_template
    return metadata


def _tensors(
    n_vocab: int, follow: dict[int, int], default: int, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Head rows point at the embeddings of the tokens that they follow; axis 0 means `default`."""
    rng = np.random.default_rng(seed)
    embed = rng.standard_normal((n_vocab, WIDTH)).astype(np.float32)
    embed[:, 0] = [0 if token in follow else WIDTH**0.5 for token in range(n_vocab)]
    embed /= np.linalg.norm(embed, axis=1, keepdims=True)
    head = np.zeros_like(embed)
    head[default, 0] = 4 * 2**0.5
    for token, following in follow.items():
        head[following] += embed[token] * 4
    small = np.ones((WIDTH,), np.float32)
    kv = rng.standard_normal((WIDTH // 2, WIDTH)).astype(np.float32) * 0.02
    query = rng.standard_normal((WIDTH, WIDTH)).astype(np.float32) * 0.02
    up = rng.standard_normal((32, WIDTH)).astype(np.float32) * 0.02
    return {
        "token_embd.weight": embed,
        "output_norm.weight": small,
        "output.weight": head,
        "blk.0.attn_norm.weight": small,
        "blk.0.attn_q.weight": query,
        "blk.0.attn_k.weight": kv,
        "blk.0.attn_v.weight": kv,
        "blk.0.attn_output.weight": np.zeros((WIDTH, WIDTH), np.float32),
        "blk.0.ffn_norm.weight": small,
        "blk.0.ffn_gate.weight": up,
        "blk.0.ffn_up.weight": up,
        "blk.0.ffn_down.weight": np.zeros((WIDTH, 32), np.float32),
    }
