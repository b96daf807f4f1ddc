"""Loading an engine in a thread, from which a request can walk away."""

from __future__ import annotations

import logging
import threading
from functools import partial
from pathlib import Path

import trio

from ollamars import _core
from ollamars.durations import FOREVER, SECOND
from ollamars.errors import BadRequest, ModelError, NotFound, OllamarsError
from ollamars.runtime.engine import Engine, LoadEngine
from ollamars.runtime.settings import Settings
from ollamars.store.models import StoredModel

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT = 30.0
"""Seconds that an engine may take to finish its step and free its memory."""


class LoadTimeout(ModelError):
    """The load did not end in the time of `OLLAMA_LOAD_TIMEOUT`."""


def weights_of(model: StoredModel) -> Path:
    """The file that is to be loaded. Raises `NotFound`, `BadRequest` for what cannot run."""
    if model.model_path is None:
        raise BadRequest(f"model '{model.name.short}' has no weights")
    if not model.model_path.is_file():
        raise NotFound(f'model "{model.name.short}" not found, try pulling it first')
    if model.adapter_paths:
        raise BadRequest(f"model '{model.name.short}' has an adapter, which cannot be applied")
    return model.model_path


class _Attempt:
    """A load in a thread; whoever comes last, the thread or the one who walks away, closes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._abandoned = False

    def run(self, load: partial[Engine]) -> Engine:
        """Load (in the thread)."""
        engine = load()
        with self._lock:
            self._engine = engine
            abandoned = self._abandoned
        if abandoned:
            engine.close()
        return engine

    def abandon(self) -> None:
        """Nobody wants the engine any more."""
        with self._lock:
            self._abandoned = True
            engine = self._engine
        if engine is not None:
            engine.close()


async def load_engine(
    load: LoadEngine,
    model: StoredModel,
    settings: Settings,
    *,
    parallel: int,
    threads: int,
    exec: str,
    limit_ns: int,
    limiter: trio.CapacityLimiter,
) -> Engine:
    """Load a model's weights. `limit_ns` bounds the time. Raises `OllamarsError`.

    When cancelled, this returns at once and the engine is closed as soon as it is there.
    """
    attempt = _Attempt()
    engine: Engine | None = None
    try:
        call = partial(
            load,
            str(weights_of(model)),
            num_ctx=settings.num_ctx,
            parallel=parallel,
            num_batch=settings.num_batch,
            threads=settings.num_thread or threads,
            exec=exec,
        )
        with trio.fail_after(float("inf") if limit_ns >= FOREVER else limit_ns / SECOND):
            engine = await trio.to_thread.run_sync(
                attempt.run, call, abandon_on_cancel=True, limiter=limiter
            )
        return engine
    except trio.TooSlowError:
        raise LoadTimeout(f"timed out waiting for model '{model.name.short}' to load") from None
    except OllamarsError:
        raise
    except (_core.CoreError, OSError, ValueError) as error:
        raise ModelError(str(error)) from error
    except MemoryError as error:
        raise ModelError(f"not enough memory to load the model: {error}") from error
    except Exception as error:
        # Whatever it is, it is the fault of this load and must not end all the others.
        _log.exception("a load failed")
        raise ModelError(f"the model could not be loaded: {error}") from error
    finally:
        if engine is None:
            attempt.abandon()


async def close_engine(engine: Engine, limit: float = CLOSE_TIMEOUT) -> None:
    """Free an engine; an engine that does not end in time is left to its thread."""
    with trio.move_on_after(limit, shield=True):
        try:
            await trio.to_thread.run_sync(engine.close, abandon_on_cancel=True)
        except Exception:
            _log.exception("an engine could not be closed")
