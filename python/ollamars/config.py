"""Every environment variable, parsed once into a frozen `Config`.

`VARIABLES` is the table: name, field, how the text is read, default, one line of help; the command
line's help and the documentation are made from it. Rules and defaults are those measured on Ollama
v0.33: white space, then quotes of both kinds are stripped from both ends, and an empty text counts
as not set.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ollamars.durations import FOREVER, MINUTE, SECOND, parse_duration, wrap_int64
from ollamars.host import GO_SPACE, parse_host
from ollamars.host import Host as Host

DEFAULT_ORIGINS = (
    *(
        f"{scheme}://{host}{port}"
        for host in ("localhost", "127.0.0.1", "0.0.0.0")
        for port in ("", ":*")
        for scheme in ("http", "https")
    ),
    "app://*",
    "file://*",
    "tauri://*",
    "vscode-webview://*",
    "vscode-file://*",
)
"""Origins that are always allowed; `*` stands for any text."""

DEFAULT_PARALLEL = 8
"""Requests that a model answers at the same time where nothing says otherwise. Ollama's is 1, but
our engine steps them together, which costs each little."""

MAX_JSON_DEPTH = 400
"""What `OLLAMARS_MAX_JSON_DEPTH` may be at most: functions that call themselves walk the values."""

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def parse_bool(text: str) -> bool:
    """A boolean in one of Go's spellings. Raises `ValueError` for any other text."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"invalid boolean {text!r}")


def parse_int64(text: str) -> int:
    """A decimal 64-bit integer with an optional sign. Raises `ValueError`."""
    if not re.fullmatch(r"[+-]?[0-9]+", text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError(f"invalid integer {text!r}")
    return int(text)


_Reader = Callable[[str, Any], Any]
"""Value from (text, default); a `ValueError` is noted as a warning and leaves the default."""


def _read_text(text: str, _default: Any) -> str:
    return text


def _read_list(text: str, _default: Any) -> tuple[str, ...]:
    return tuple(text.strip(GO_SPACE).split(",")) if text.strip(GO_SPACE) else ()


def _read_origins(text: str, _default: Any) -> tuple[str, ...]:
    return (*text.split(","), *DEFAULT_ORIGINS)


def _read_bool(text: str, _default: Any) -> bool:
    """Any text that is not a boolean is true."""
    return text not in _FALSE


def _read_uint(text: str, _default: Any) -> int:
    if not re.fullmatch(r"[0-9]+", text) or int(text) >= 2**64:
        raise ValueError("not an unsigned integer")
    return int(text)


def _read_seconds(text: str, default: Any) -> int:
    """Nanoseconds of a duration or of whole seconds (64-bit arithmetic that wraps, as in Go)."""
    try:
        return parse_duration(text)
    except ValueError:
        pass
    try:
        return wrap_int64(parse_int64(text) * SECOND)
    except ValueError:
        return int(default)


def _read_keep_alive(text: str, default: Any) -> int:
    ns = _read_seconds(text, default)
    return FOREVER if ns < 0 else ns


def _read_timeout(text: str, default: Any) -> int:
    ns = _read_seconds(text, default)
    return FOREVER if ns <= 0 else ns


def _read_depth(text: str, _default: Any) -> int:
    depth = int(_read_uint(text, _default))
    if not 1 <= depth <= MAX_JSON_DEPTH:
        raise ValueError(f"not between 1 and {MAX_JSON_DEPTH}")
    return depth


def _read_log_level(text: str, _default: Any) -> int:
    """Go's level: 0 info, -4 debug, -8 trace."""
    if text in _TRUE:
        return -4
    try:
        return parse_int64(text) * -4
    except ValueError:
        return 0


@dataclass(frozen=True, slots=True)
class Variable:
    """A row of the table of environment variables."""

    name: str
    field: str
    """The field of `Config` that holds the value."""
    read: _Reader
    default: Any
    help: str
    effect: bool = True
    """False: accepted because Ollama knows it; it changes nothing here."""


VARIABLES: tuple[Variable, ...] = (
    Variable("OLLAMA_DEBUG", "log_level", _read_log_level, 0, "Log more: 1 debug, 2 trace"),
    Variable(
        "OLLAMA_CONTEXT_LENGTH",
        "context_length",
        _read_uint,
        0,
        "Context length in tokens where neither request nor model sets one (0: chosen by memory)",
    ),
    Variable(
        "OLLAMA_KEEP_ALIVE",
        "keep_alive",
        _read_keep_alive,
        5 * MINUTE,
        "How long a model stays loaded after its last request (duration or seconds, default 5m)",
    ),
    Variable(
        "OLLAMA_MAX_LOADED_MODELS",
        "max_loaded_models",
        _read_uint,
        0,
        "How many models may be loaded at once (0: three for each device)",
    ),
    Variable(
        "OLLAMA_MAX_TRANSFER_STREAMS",
        "max_transfer_streams",
        _read_uint,
        4,
        "How many bodies a pull or push of a safetensors model moves at once",
        effect=False,
    ),
    Variable("OLLAMA_MAX_QUEUE", "max_queue", _read_uint, 512, "How many requests may wait"),
    Variable("OLLAMA_MODELS", "models", _read_text, "", "The folder of the models"),
    Variable(
        "OLLAMA_NUM_PARALLEL",
        "num_parallel",
        _read_uint,
        1,
        f"How many requests a model answers at the same time (default {DEFAULT_PARALLEL})",
    ),
    Variable("OLLAMA_NO_CLOUD", "no_cloud_env", _read_bool, False, "Turn cloud models off"),
    Variable(
        "OLLAMA_NOPRUNE", "no_prune", _read_bool, False, "Keep unused blobs when the server starts"
    ),
    Variable(
        "OLLAMA_ORIGINS",
        "origins",
        _read_origins,
        DEFAULT_ORIGINS,
        "Comma-separated origins that browsers may send requests from",
    ),
    Variable(
        "OLLAMA_SCHED_SPREAD",
        "sched_spread",
        _read_bool,
        False,
        "Spread a model over all devices",
        effect=False,
    ),
    Variable(
        "OLLAMA_FLASH_ATTENTION",
        "flash_attention",
        _read_bool,
        None,
        "Flash attention",
        effect=False,
    ),
    Variable(
        "OLLAMA_KV_CACHE_TYPE",
        "kv_cache_type",
        _read_text,
        "",
        "Type of the values in the KV cache",
        effect=False,
    ),
    Variable(
        "OLLAMA_LLM_LIBRARY", "llm_library", _read_text, "", "Name of the backend", effect=False
    ),
    Variable(
        "OLLAMA_GPU_OVERHEAD",
        "gpu_overhead",
        _read_uint,
        0,
        "Bytes of memory to leave free on each GPU",
        effect=False,
    ),
    Variable(
        "OLLAMA_IGPU_ENABLE", "igpu_enable", _read_bool, None, "Integrated GPUs", effect=False
    ),
    Variable("OLLAMA_VULKAN", "vulkan", _read_bool, None, "Vulkan", effect=False),
    Variable("LLAMA_ARG_FIT", "fit", _read_text, "", "llama.cpp's fitting of memory", effect=False),
    Variable(
        "LLAMA_ARG_FIT_TARGET",
        "fit_target",
        _read_text,
        "",
        "Free memory that llama.cpp's fitting leaves",
        effect=False,
    ),
    Variable(
        "OLLAMA_LOAD_TIMEOUT",
        "load_timeout",
        _read_timeout,
        5 * MINUTE,
        "How long a load may stall (duration or seconds, default 5m; 0 or less: for ever)",
    ),
    Variable(
        "OLLAMA_GO_TEMPLATE",
        "go_template_setting",
        _read_bool,
        None,
        "Use a model's Go template where it has one (default true)",
    ),
    Variable(
        "OLLAMA_DEBUG_LOG_REQUESTS",
        "log_requests",
        _read_bool,
        False,
        "Write request bodies into a temporary folder",
        effect=False,
    ),
    Variable("OLLAMA_AUTH", "auth", _read_bool, False, "Sign requests to the server", effect=False),
    Variable(
        "OLLAMA_REMOTES",
        "remotes",
        _read_list,
        ("ollama.com",),
        "Comma-separated hosts that remote models may name",
        effect=False,
    ),
    Variable("OLLAMA_NOHISTORY", "no_history", _read_bool, False, "Keep no prompt history"),
    Variable("OLLAMA_EDITOR", "editor", _read_text, "", "Editor of the interactive prompt"),
    Variable(
        "OLLAMARS_EXEC",
        "exec",
        _read_text,
        "",
        "Executor that runs models, such as candle (default: the best there is)",
    ),
    Variable(
        "OLLAMARS_CPU",
        "cpu_level",
        _read_text,
        "",
        "Instructions of the cpu executor: scalar, avx2, avx512, vnni, amx ... (default: the best)",
    ),
    Variable(
        "OLLAMARS_THREADS",
        "threads",
        _read_uint,
        0,
        "Threads that a model computes with (0: one for each physical core)",
    ),
    Variable(
        "OLLAMARS_MAX_HEAD",
        "max_head",
        _read_uint,
        1 << 20,
        "Bytes of the largest head of a request (default 1 MiB)",
    ),
    Variable(
        "OLLAMARS_MAX_BODY",
        "max_body",
        _read_uint,
        256 << 20,
        "Bytes of the largest JSON body; images come in it as base64 (default 256 MiB)",
    ),
    Variable(
        "OLLAMARS_MAX_DECOMPRESSED",
        "max_decompressed",
        _read_uint,
        20 << 20,
        "Bytes of the largest body that came compressed (default 20 MiB)",
    ),
    Variable(
        "OLLAMARS_MAX_JSON_DEPTH",
        "max_json_depth",
        _read_depth,
        200,
        "How deep values of a JSON body may lie in each other (default 200, at most 400)",
    ),
    Variable(
        "OLLAMARS_IDLE_TIMEOUT",
        "idle_timeout",
        _read_timeout,
        75 * SECOND,
        "How long a connection may be idle or the head of a request take (default 75s)",
    ),
    Variable(
        "OLLAMARS_READ_TIMEOUT",
        "read_timeout",
        _read_timeout,
        60 * SECOND,
        "How long the next piece of a request's body may take (default 60s)",
    ),
    Variable(
        "OLLAMARS_WRITE_TIMEOUT",
        "write_timeout",
        _read_timeout,
        10 * MINUTE,
        "How long a client may leave its answer unread (default 10m)",
    ),
)
"""All variables but `OLLAMA_HOST`, whose text makes a `Host`."""

HOST_HELP = "Address of the server (default 127.0.0.1:11434)"
"""The help line of `OLLAMA_HOST`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the environment asks for. Durations in ns, sizes in bytes."""

    host: Host
    home: str
    """The user's folder; keys and history are in its `.ollama`."""
    models: str
    log_level: int
    """Go's: 0 info, -4 debug, -8 trace."""
    context_length: int
    keep_alive: int
    load_timeout: int
    num_parallel: int
    """As Ollama reads it, 1 where nothing can be read; what counts here is `parallel`."""
    max_loaded_models: int
    max_queue: int
    max_transfer_streams: int
    no_prune: bool
    no_cloud_env: bool
    no_cloud_file: bool
    """`disable_ollama_cloud` of `~/.ollama/server.json`."""
    origins: tuple[str, ...]
    remotes: tuple[str, ...]
    go_template_setting: bool | None
    no_history: bool
    editor: str
    auth: bool
    exec: str
    cpu_level: str
    threads: int
    max_head: int
    max_body: int
    max_decompressed: int
    max_json_depth: int
    idle_timeout: int
    read_timeout: int
    write_timeout: int
    log_requests: bool
    sched_spread: bool
    flash_attention: bool | None
    kv_cache_type: str
    llm_library: str
    gpu_overhead: int
    igpu_enable: bool | None
    vulkan: bool | None
    fit: str
    fit_target: str
    unset: frozenset[str] = frozenset()
    """Fields whose variables say nothing, or nothing that can be read."""
    warnings: tuple[str, ...] = ()
    """One log line for each value that could not be read."""

    @property
    def parallel(self) -> int:
        """Requests that a model answers at the same time, at least 1."""
        return DEFAULT_PARALLEL if "num_parallel" in self.unset else max(self.num_parallel, 1)

    @property
    def go_template(self) -> bool:
        """Are Go templates used where a model has one?"""
        return self.go_template_setting is not False

    @property
    def executor(self) -> str:
        """The executor with its instructions, as the engine names it; empty: the best there is."""
        if self.cpu_level and self.exec in ("", "cpu"):
            return f"cpu-{self.cpu_level}"
        return self.exec

    @property
    def no_cloud(self) -> bool:
        """Are cloud models turned off, by the variable or by the file?"""
        return self.no_cloud_env or self.no_cloud_file

    @property
    def no_cloud_source(self) -> str:
        """What turns cloud models off: `none`, `env`, `config` or `both`."""
        names = {(True, True): "both", (True, False): "env", (False, True): "config"}
        return names.get((self.no_cloud_env, self.no_cloud_file), "none")

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, settings: bytes = b"") -> Config:
        """Read `env`; `settings` is the content of `~/.ollama/server.json`, if there is one.

        Never fails: a value that cannot be read leaves the default and adds a warning.
        """
        warnings: list[str] = []
        host, bad_port = parse_host(_variable(env, "OLLAMA_HOST"))
        if bad_port is not None:
            warnings.append(f"invalid port, using default port={bad_port} default={host.port}")
        read = {row.field: _read(row, env, warnings) for row in VARIABLES}
        values = {
            row.field: row.default if read[row.field] is None else read[row.field]
            for row in VARIABLES
        }
        home = env.get("HOME") or os.path.expanduser("~")
        values["models"] = values["models"] or os.path.join(home, ".ollama", "models")
        return cls(
            host=host,
            home=home,
            no_cloud_file=_cloud_disabled(settings),
            unset=frozenset(field for field, value in read.items() if value is None),
            warnings=tuple(warnings),
            **values,
        )

    @classmethod
    def load(cls) -> Config:
        """Read the environment of this process and `~/.ollama/server.json`."""
        home = os.environ.get("HOME") or os.path.expanduser("~")
        try:
            settings = Path(home, ".ollama", "server.json").read_bytes()
        except OSError:
            settings = b""
        return cls.from_env(os.environ, settings=settings)


def _variable(env: Mapping[str, str], name: str) -> str:
    """The text of a variable without white space and quotes around it; empty when not set."""
    return env.get(name, "").strip(GO_SPACE).strip("\"'")


def _read(row: Variable, env: Mapping[str, str], warnings: list[str]) -> Any:
    """What a variable says; None: nothing, or nothing that can be read."""
    text = _variable(env, row.name)
    if not text:
        return None
    try:
        return row.read(text, row.default)
    except ValueError:
        warnings.append(
            f"invalid environment variable, using default key={row.name} value={text} "
            f"default={row.default}"
        )
        return None


def _cloud_disabled(settings: bytes) -> bool:
    try:
        value = json.loads(settings)
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("disable_ollama_cloud") is True
