"""ollamars: run language models locally, through Ollama's API or from Python."""

from __future__ import annotations
