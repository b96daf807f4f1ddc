"""What a model is loaded with, and which changes need a reload."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from ollamars.runtime.options import Options
from ollamars.store.models import StoredModel

MIN_CONTEXT = 4
"""Tokens; a smaller `num_ctx` becomes this."""
MIN_BATCH_LIMIT = 512
"""Tokens of a step that may always be asked for; more only up to the context, which no prompt
exceeds: memory for the rows of a step is taken when the model is loaded."""
DEFAULT_CONTEXT = 4096
"""Tokens of context where nothing says more, on a CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Options that belong to a loaded model; a request that differs in one makes it load anew."""

    num_ctx: int
    """Tokens of context of each sequence."""
    num_batch: int
    num_thread: int
    num_gpu: int
    main_gpu: int | None
    use_mmap: bool | None
    draft_num_predict: int
    shift: bool
    adapters: tuple[Path, ...]
    projectors: tuple[Path, ...]

    @classmethod
    def of(cls, model: StoredModel, options: Options, *, shift: bool, trained: int) -> Settings:
        """The settings for a request; `trained` is the model's own context (0: not known)."""
        num_ctx = max(options.num_ctx, MIN_CONTEXT)
        num_ctx = min(num_ctx, trained) if trained else num_ctx
        return cls(
            num_ctx=num_ctx,
            num_batch=min(max(options.num_batch, 1), max(num_ctx, MIN_BATCH_LIMIT)),
            num_thread=min(max(options.num_thread, 0), os.cpu_count() or 1),
            num_gpu=options.num_gpu,
            main_gpu=options.main_gpu,
            use_mmap=options.use_mmap,
            draft_num_predict=options.draft_num_predict,
            shift=shift,
            adapters=tuple(model.adapter_paths),
            projectors=tuple(model.projector_paths),
        )

    def serves(self, wanted: Settings) -> bool:
        """Can a model with these settings answer a request for `wanted`?"""
        if wanted.num_gpu < 0:  # automatic: whatever there is
            wanted = replace(wanted, num_gpu=self.num_gpu)
        return self == wanted
