"""The `details` of a model in listings and in `show`."""

from __future__ import annotations

from typing import Any

from ollamars.store.models import StoredModel

UNKNOWN = ("", "unknown")
"""Quantizations that the weights may know better."""


def details(model: StoredModel, *, parent: str = "", file_type: str = "unknown") -> dict[str, Any]:
    """What the configuration says; `file_type` of the weights where it does not say."""
    config = model.config
    quantization = config.get("file_type", "")
    if quantization in UNKNOWN and file_type not in UNKNOWN:
        quantization = file_type
    return {
        "parent_model": parent,
        "format": config.get("model_format", ""),
        "family": config.get("model_family", ""),
        "families": config.get("model_families"),
        "parameter_size": config.get("model_type", ""),
        "quantization_level": quantization,
    }
