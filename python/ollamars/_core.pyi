"""The Rust core, as Python sees it. Every call that may take long releases the GIL."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CoreError",
    "Engine",
    "Event",
    "Gguf",
    "Grammar",
    "Meter",
    "Sha256",
    "Tokenizer",
    "__version__",
    "render_jinja",
    "rewrite_gguf",
    "sha256_file",
]

__version__: str

class CoreError(Exception):
    """A file that is damaged or of a kind that cannot be used; the text says what and where."""

@final
class Sha256:
    """A running SHA-256."""

    def __new__(cls) -> Self: ...
    def update(self, data: bytes | bytearray) -> None:
        """Hash `data`; the GIL is released."""
    def hexdigest(self) -> str:
        """The digest of all data so far: 64 lower-case hex digits."""

def sha256_file(path: str) -> str:
    """Hash a file in pieces at constant memory. Raises `OSError`."""

@final
class Gguf:
    """A GGUF file, memory-mapped and checked. Raises `CoreError` (bad file) or `OSError`."""

    def __new__(cls, path: str) -> Self: ...
    @property
    def version(self) -> int: ...
    @property
    def alignment(self) -> int: ...
    def keys(self) -> list[str]:
        """Metadata keys in file order."""
    def value_type(self, key: str) -> str | None:
        """`u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 bool string`, or `array[T]`; None: no such key."""
    def get(self, key: str) -> Any:
        """A value as int, float, bool, str or list of those; None: no such key."""
    def metadata(self, *, arrays: bool = True) -> dict[str, Any]:
        """All values in file order; with `arrays=False` an array is given as None."""
    def tensors(self) -> list[tuple[str, str, list[int], int, int]]:
        """(name, type such as `Q4_K`, dimensions, row length first, offset in the file, bytes)."""

def rewrite_gguf(source: str | Sequence[str], target: str) -> None:
    """Write a model anew as Ollama's create does: version 3, sorted tensors, fixed key order.

    `source` is one file, or the parts of a split one in their order.
    `target` is created, written and fsynced. Raises `CoreError` or `OSError`.
    """

def render_jinja(template: str, context_json: str, *, fuel: int = 4_000_000) -> str:
    """Render a chat template with bounded work. `CoreError`: bad template or out of fuel."""

@final
class Tokenizer:
    """The tokenizer of a GGUF file (which may hold a vocabulary alone)."""

    def __new__(cls, path: str) -> Self: ...
    @property
    def n_tokens(self) -> int: ...
    @property
    def kind(self) -> str:
        """`bpe`, `spm`, ..."""
    @property
    def special_ids(self) -> dict[str, int]:
        """bos, eos, eot, sep, nl, pad, mask, fim_pre ...; -1: none."""
    @property
    def add_bos(self) -> bool: ...
    @property
    def add_eos(self) -> bool: ...
    @property
    def add_sep(self) -> bool: ...
    @property
    def eog(self) -> list[int]:
        """Ids that end generation, ascending."""
    def attr(self, id: int) -> int:
        """Bits: 1 unknown, 2 unused, 4 normal, 8 control, 16 user-defined, 32 byte, ..."""
    def encode(
        self, text: str | bytes, *, special: bool = False, add_special: bool = False
    ) -> list[int]:
        """Token ids; see `ollamars.Tokenizer.encode`."""
    def piece(self, id: int, *, special: bool = True) -> bytes:
        """The bytes of one token in a stream; a special token is empty unless `special`."""
    def pieces(self, ids: Sequence[int], *, special: bool = True) -> bytes:
        """The joined pieces."""
    def detokenize(self, ids: Sequence[int], *, special: bool = True) -> bytes:
        """Whole-sequence detokenization (removes the spaces that the vocabulary asks to remove)."""

@final
class Event:
    """One step's news of one request."""

    @property
    def id(self) -> int: ...
    @property
    def text(self) -> str:
        """New text: whole UTF-8 characters, never a part of a stop string. May be empty."""
    @property
    def token(self) -> int:
        """The token that this step sampled, -1 for none."""
    @property
    def logprob(self) -> float | None:
        """Natural log-probability of the token, with the option `logprobs`."""
    @property
    def top(self) -> list[tuple[int, float]]:
        """The likeliest tokens of this step with theirs, best first, with the option `logprobs`."""
    @property
    def done(self) -> str | None:
        """None while running; `stop`, `length`, `cancelled` or `error`."""
    @property
    def error(self) -> str | None: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def eval_tokens(self) -> int:
        """Tokens sampled so far, the end token included."""
    @property
    def prompt_ns(self) -> int: ...
    @property
    def eval_ns(self) -> int: ...

@final
class Grammar:
    """What texts of a model must fit; for any number of requests."""

@final
class Engine:
    """A loaded model and the thread that steps it. Safe to call from any thread."""

    def __new__(
        cls,
        path: str,
        *,
        num_ctx: int = 0,
        parallel: int = 1,
        num_batch: int = 512,
        threads: int = 0,
        exec: str = "",
    ) -> Self:
        """Load. `num_ctx` tokens for each sequence (0: the model's own, at most 4096); `parallel`
        sequences share each step; `threads` 0: physical cores; `exec` "": the best there is.

        Raises `CoreError` (bad or unsupported model), `OSError`, `MemoryError`.
        """
    @property
    def num_ctx(self) -> int: ...
    @property
    def train_ctx(self) -> int: ...
    @property
    def n_vocab(self) -> int: ...
    @property
    def n_embd(self) -> int:
        """Values of an embedding."""
    @property
    def n_labels(self) -> int:
        """Scores that a reranker gives a text; 0: the model is none."""
    @property
    def architecture(self) -> str: ...
    @property
    def exec(self) -> str:
        """Name of the executor that runs the model, e.g. `candle/cpu`."""
    @property
    def fallback(self) -> str | None:
        """Why it is not the executor that was asked for; None: it is."""
    @property
    def rerank_template(self) -> str | None:
        """How the file puts `{query}` and `{document}` together; None: it does not say."""
    @property
    def memory(self) -> int:
        """Bytes of weights and KV memory."""
    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def event_fd(self) -> int:
        """Readable when `drain` has news. Read it first (8 bytes), then drain."""
    def grammar(
        self, kind: str, text: str = ..., *, after: tuple[str, str] | None = None
    ) -> Grammar:
        """Compile what a request's text shall fit; blocks without the GIL, ten seconds at most.

        `kind` is `json` (any object, no text), `schema` (a JSON schema), `regex`, `lark` or `gbnf`.
        `after`: marks around thinking that may come before; without the first one the text begins
        inside of thinking. Raises `CoreError` that names the keyword or line that is wrong.
        """
    def submit(self, id: int, prompt: Sequence[int], options: Mapping[str, Any]) -> None:
        """Queue a request under the caller's `id`.

        `options` holds Ollama's option names (temperature, top_k, top_p, min_p, typical_p, seed,
        repeat_penalty, repeat_last_n, presence_penalty, frequency_penalty, mirostat, mirostat_tau,
        mirostat_eta, stop: list[str], num_predict, num_keep) and `shift: bool`,
        `ignore_eog: bool`, `logprobs: int` (so many best tokens of each step), `grammar: Grammar`
        (of this engine); missing ones have Ollama's defaults. Unknown names raise `ValueError`.
        The prompt must be shorter than `num_ctx`, else an `error` event says so.
        """
    def cancel(self, id: int) -> None:
        """Stop a request within one step and free its pages. Idempotent, never blocks."""
    def drain(self) -> list[Event]:
        """All news since the last call, oldest first. Never blocks."""
    def active(self) -> int:
        """Requests that wait or run."""
    def free_blocks(self) -> int:
        """Unused KV blocks (for tests: a cancelled request gives its own back)."""
    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """[positions, n_vocab] logits of a causal pass from an empty cache."""
    def log_probs(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """[positions - 1] natural log-probability of each id but the first, given those before."""
    def embed(self, id: int, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """[texts, n_embd] embeddings as computed, by the pooling of the file (else the mean for an
        encoder, the last token for others).

        Takes its turn among the requests; blocks until all are done, or until `cancel(id)`, whose
        `id` no other request may have. `CoreError`: a text that is empty or longer than `num_ctx`.
        """
    def scores(self, id: int, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """[texts, n_labels] scores of a reranker, as `embed`; classes are probabilities."""
    def relevances(self, id: int, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """[texts] how relevant each is: the score that counts, a logit as its probability."""
    def close(self) -> None:
        """Stop the thread and free the model; waits for the running step. Idempotent."""

@final
class Meter:
    """A loaded model whose steps are timed: the engine's steps, without requests and sampling."""

    def __new__(
        cls,
        path: str,
        *,
        exec: str = "",
        threads: int = 0,
        context: int = 4096,
        sequences: int = 1,
    ) -> Self:
        """Load. Each of `sequences` has `context` tokens of KV memory; the rest as in `Engine`.

        Raises `CoreError` (bad or unsupported model), `OSError`.
        """
    @property
    def exec(self) -> str:
        """Name of the executor that runs the model, with its kernels, e.g. `cpu-vnni/cpu`."""
    @property
    def memory(self) -> int:
        """Bytes of weights and KV memory."""
    @property
    def load_seconds(self) -> float:
        """From the path to where the first step can run."""
    def prefill(self, tokens: int, *, start: int = 0, sequence: int = 0) -> float:
        """Seconds in which a sequence with `start` tokens takes `tokens` more as a prompt.

        Raises `CoreError`: beyond the context.
        """
    def decode(self, tokens: int, *, start: int = 0, sequences: int = 1) -> float:
        """Seconds in which each sequence, having `start` tokens, takes `tokens` more, one a step.

        Raises `CoreError`: beyond the context.
        """
