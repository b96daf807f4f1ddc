"""What a GGUF file says that the store and the listing need."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from ollamars import _core
from ollamars.errors import BadRequest, StoreError
from ollamars.store.files import describe
from ollamars.store.gotext import shortest_float32

FILE_TYPES: dict[int, str] = {
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
    39: "NVFP4",
    40: "Q1_0",
}
"""`general.file_type` by number. F32 (0) reads as `unknown`, as it does in Ollama."""

_EMBEDDED_PREFIXES = ("a.", "mm.", "mtp.", "s.", "v.")
_MAGIC = (b"GGUF", b"FUGG")


class NotGguf(BadRequest):
    """A file without GGUF's magic."""

    def __init__(self) -> None:
        super().__init__("supplied file was not in GGUF format")


@dataclass(frozen=True, slots=True)
class GgufFacts:
    """Metadata (lists left out) and sums over the tensors of one file."""

    architecture: str
    """`general.architecture`; `unknown` where it is missing."""
    metadata: dict[str, Any] = field(repr=False)
    """All keys in file order; the value of a list is None unless it was asked for."""
    parameter_count: int
    """Elements of all tensors."""
    has_embedded_encoder: bool
    """Tensors of an image or audio encoder, or of a draft head, are in the same file."""

    @classmethod
    def read(cls, path: Path) -> GgufFacts:
        """Read a file's header. Raises `NotGguf`, `StoreError` (damaged or not there)."""
        try:
            if not has_gguf_magic(path):
                raise NotGguf
            gguf = _core.Gguf(str(path))
            metadata, tensors = gguf.metadata(arrays=False), gguf.tensors()
        except _core.CoreError as error:
            raise StoreError(str(error)) from error
        except OSError as error:
            raise StoreError(describe(error, "open")) from error
        return cls(
            architecture=_text(metadata.get("general.architecture")) or "unknown",
            metadata=metadata,
            parameter_count=sum(prod(dimensions) for _, _, dimensions, _, _ in tensors),
            has_embedded_encoder=any(name.startswith(_EMBEDDED_PREFIXES) for name, *_ in tensors),
        )

    def get(self, key: str) -> Any:
        """A value by its key, which may leave out the architecture: `block_count`."""
        if not key.startswith(("general.", "tokenizer.")):
            key = f"{self.architecture}.{key}"
        return self.metadata.get(key)

    def integer(self, key: str) -> int:
        """A whole number, 0 where the key is missing or of another type; see `get`."""
        value = self.get(key)
        return value if type(value) is int else 0

    @property
    def kind(self) -> str:
        """`model`, `adapter` (LoRA) or `projector` (image or audio encoder)."""
        kind = self.get("general.type")
        if kind == "adapter":
            return "adapter"
        if kind in ("projector", "mmproj"):
            return "projector"
        if not self.integer("block_count") and self._holds_encoder:
            return "projector"
        return "model"

    @property
    def _holds_encoder(self) -> bool:
        encoders = (self.get("has_vision_encoder"), self.get("has_audio_encoder"))
        clip = self.architecture == "clip" and True in encoders
        return clip or self.integer("vision.block_count") > 0

    @property
    def file_type(self) -> str:
        """The name of the quantization: `Q4_K_M`, `F16`, ... or `unknown`."""
        return FILE_TYPES.get(self.integer("general.file_type"), "unknown")

    @property
    def chat_template(self) -> str:
        """`tokenizer.chat_template`; empty where there is none."""
        return _text(self.get("tokenizer.chat_template"))


@dataclass(frozen=True, slots=True)
class GgufContent:
    """Metadata and tensors as `show` tells them."""

    metadata: dict[str, Any] = field(repr=False)
    """Sorted by key, with the count of parameters; a list is None unless it was asked for."""
    tensors: list[dict[str, Any]] = field(repr=False)
    """`name`, `type`, `shape` (row length first) in file order."""
    facts: GgufFacts

    @classmethod
    def read(cls, path: Path, *, arrays: bool) -> GgufContent:
        """Read a file's header. Raises `NotGguf`, `StoreError`, `FileNotFoundError`."""
        if not path.is_file():
            raise FileNotFoundError(path)
        facts = GgufFacts.read(path)
        gguf = _core.Gguf(str(path))
        metadata = gguf.metadata(arrays=arrays)
        for key, value in metadata.items():
            if gguf.value_type(key) in _SINGLE:
                metadata[key] = _single(value)
        metadata["general.parameter_count"] = facts.parameter_count
        tensors = [
            {"name": name, "type": kind, "shape": dimensions}
            for name, kind, dimensions, _, _ in gguf.tensors()
        ]
        return cls(dict(sorted(metadata.items())), tensors, facts)


_SINGLE = ("f32", "array[f32]")


def _single(value: Any) -> Any:
    """Single-precision numbers such that their shortest text is that of a float32."""
    if isinstance(value, list):
        return [_single(item) for item in value]
    if not isinstance(value, float) or (value.is_integer() and abs(value) < 2**24):
        return value
    return shortest_float32(value)


def has_gguf_magic(path: Path) -> bool:
    """Does a file begin as GGUF files do, in either byte order? Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def human_number(count: int) -> str:
    """A count for people: `999`, `12K`, `1.03M`, `2M`, `8.0B`, `8B`."""
    if count >= 10**9:
        return f"{count // 10**9}B" if count % 10**9 == 0 else f"{count / 1e9:.1f}B"
    if count >= 10**6:
        return f"{count // 10**6}M" if count % 10**6 == 0 else f"{count / 1e6:.2f}M"
    return f"{count / 1e3:.0f}K" if count >= 10**3 else str(count)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
