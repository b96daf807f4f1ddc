"""ollamars: run language models locally, through Ollama's API or from Python.

`Model` runs a model in this process; `Tokenizer` reads a GGUF vocabulary. Both are loaded on first
use, so that `import ollamars` and the command line stay quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ollamars.model import Chunk, Model, Tokenizer

__all__ = ["Chunk", "Model", "Tokenizer", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ollamars")
    if name in __all__:
        from ollamars import model

        return getattr(model, name)
    raise AttributeError(f"module 'ollamars' has no attribute {name!r}")
