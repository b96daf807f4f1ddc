"""ollamars: run language models locally, through Ollama's API or from Python.

`Model` runs a model in this process; `Tokenizer` reads a GGUF vocabulary. Both are loaded on first
use, so that `import ollamars` and the command line stay quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ollamars.chunk import ChatChunk, Chunk
    from ollamars.model import Model, Tokenizer
    from ollamars.prompts.messages import Message, ToolCall

__all__ = ["ChatChunk", "Chunk", "Message", "Model", "Tokenizer", "ToolCall", "__version__"]

_HOMES = {
    "ChatChunk": "chunk",
    "Chunk": "chunk",
    "Message": "prompts.messages",
    "Model": "model",
    "Tokenizer": "model",
    "ToolCall": "prompts.messages",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ollamars")
    if name in _HOMES:
        return getattr(import_module(f"ollamars.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ollamars' has no attribute {name!r}")
