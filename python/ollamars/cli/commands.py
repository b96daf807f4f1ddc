"""The table of commands: arguments, flags, help and the function that carries each out."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ollamars.cli.arguments import Flag
from ollamars.cli.errors import UsageError
from ollamars.config import Config

_INSECURE = Flag("insecure", "Use an insecure registry")
_CLIENT_ENV = ("OLLAMA_HOST",)
_MANY = 10**6


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a command: what was typed, and the environment."""

    args: list[str]
    flags: dict[str, Any]
    config: Config

    def flag(self, name: str, default: Any = False) -> Any:
        """The value of a flag, or the default where it was not given."""
        return self.flags.get(name, default)


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table."""

    name: str
    usage: str
    """How the arguments are written in help."""
    help: str
    handler: str
    """`module:function` below `ollamars.cli`; imported when the command runs."""
    least: int = 0
    most: int = _MANY
    flags: tuple[Flag, ...] = ()
    aliases: tuple[str, ...] = ()
    env: tuple[str, ...] = _CLIENT_ENV
    """Environment variables that its help names."""
    needs_server: bool = True
    hidden: bool = False
    details: str = field(default="", repr=False)

    def check(self, args: list[str]) -> None:
        """Raise `UsageError` where the number of arguments does not fit."""
        count = len(args)
        if self.least == self.most and count != self.least:
            raise UsageError(f"accepts {self.least} arg(s), received {count}")
        if count < self.least:
            raise UsageError(f"requires at least {self.least} arg(s), only received {count}")

    def load(self) -> Callable[[Call], int]:
        """The function of the command; it returns the exit code."""
        module, _, function = self.handler.partition(":")
        loaded: Callable[[Call], int] = getattr(
            importlib.import_module(f"ollamars.cli.{module}"), function
        )
        return loaded


ROOT_FLAGS = (
    Flag("nowordwrap", "Don't wrap words to the next line"),
    Flag("verbose", "Show timings for response"),
    Flag("version", "Show version information", short="v"),
)

SERVER_ENV = (
    "OLLAMA_DEBUG",
    "OLLAMA_HOST",
    "OLLAMA_CONTEXT_LENGTH",
    "OLLAMA_KEEP_ALIVE",
    "OLLAMA_MAX_LOADED_MODELS",
    "OLLAMA_MAX_TRANSFER_STREAMS",
    "OLLAMA_MAX_QUEUE",
    "OLLAMA_MODELS",
    "OLLAMA_NUM_PARALLEL",
    "OLLAMA_NO_CLOUD",
    "OLLAMA_NOPRUNE",
    "OLLAMA_ORIGINS",
    "OLLAMA_SCHED_SPREAD",
    "OLLAMA_FLASH_ATTENTION",
    "OLLAMA_KV_CACHE_TYPE",
    "OLLAMA_LLM_LIBRARY",
    "OLLAMA_GPU_OVERHEAD",
    "OLLAMA_IGPU_ENABLE",
    "LLAMA_ARG_FIT",
    "LLAMA_ARG_FIT_TARGET",
    "OLLAMA_LOAD_TIMEOUT",
)
"""The variables that the help of `serve` names, in Ollama's order."""

COMMANDS: tuple[Command, ...] = (
    Command(
        "serve",
        "serve",
        "Start the server",
        "serve:serve",
        most=0,
        aliases=("start",),
        env=SERVER_ENV,
        needs_server=False,
    ),
    Command(
        "create",
        "create MODEL",
        "Create a model from a Modelfile",
        "create:create",
        least=1,
        most=1,
        flags=(
            Flag("draft-quantize", "Quantize the draft model to this level", type="string"),
            Flag("experimental", "Create a model for an experimental engine (not supported)"),
            Flag("file", 'Name of the Modelfile (default "Modelfile")', short="f", type="string"),
            Flag(
                "quantize", "Quantize model to this level (e.g. q4_K_M)", short="q", type="string"
            ),
        ),
    ),
    Command(
        "show",
        "show MODEL",
        "Show information for a model",
        "show:show",
        least=1,
        most=1,
        flags=(
            Flag("license", "Show license of a model"),
            Flag("modelfile", "Show Modelfile of a model"),
            Flag("parameters", "Show parameters of a model"),
            Flag("system", "Show system message of a model"),
            Flag("template", "Show template of a model"),
            Flag("verbose", "Show metadata and tensors too", short="v"),
        ),
    ),
    Command(
        "run",
        "run MODEL [PROMPT]",
        "Run a model",
        "run:run",
        least=1,
        flags=(
            Flag("dimensions", "Truncate embeddings to this many dimensions", type="int"),
            Flag("format", "Response format (json, or a JSON schema)", type="string"),
            Flag("hidethinking", "Hide thinking output"),
            _INSECURE,
            Flag("keepalive", "How long to keep the model loaded (e.g. 5m)", type="string"),
            Flag("nowordwrap", "Don't wrap words to the next line"),
            Flag(
                "think",
                "Let the model think: true, false, high, medium, low or max",
                type="string",
                bare="true",
            ),
            Flag("truncate", "Cut embedding input that is longer than the context"),
            Flag("verbose", "Show timings for response"),
        ),
        env=("OLLAMA_EDITOR", "OLLAMA_HOST", "OLLAMA_NOHISTORY"),
    ),
    Command("stop", "stop MODEL", "Stop a running model", "models:stop", least=1, most=1),
    Command(
        "pull",
        "pull MODEL",
        "Pull a model from a registry",
        "transfer:pull",
        least=1,
        most=1,
        flags=(_INSECURE,),
    ),
    Command(
        "push",
        "push MODEL",
        "Push a model to a registry",
        "transfer:push",
        least=1,
        most=1,
        flags=(_INSECURE,),
    ),
    Command("signin", "signin", "Sign in to ollama.com", "account:signin", most=0, env=()),
    Command("login", "login", "Sign in to ollama.com", "account:signin", most=0, hidden=True),
    Command("signout", "signout", "Sign out from ollama.com", "account:signout", most=0, env=()),
    Command("logout", "logout", "Sign out from ollama.com", "account:signout", most=0, hidden=True),
    Command("list", "list [PREFIX]", "List models", "models:list_models", aliases=("ls",)),
    Command(
        "ps",
        "ps [PREFIX]",
        "List running models",
        "models:running",
        flags=(Flag("verbose", "Show what runs each model", hidden=True),),
    ),
    Command("cp", "cp SOURCE DESTINATION", "Copy a model", "models:copy", least=2, most=2),
    Command("rm", "rm MODEL [MODEL...]", "Remove a model", "models:remove", least=1),
    Command(
        "launch",
        "launch [TOOL]",
        "Start a coding tool (not supported)",
        "launch:launch",
        flags=(
            Flag("config", "Configure the tool only"),
            Flag("model", "Model that the tool uses", type="string"),
            Flag("restore", "Restore the tool's former configuration"),
            Flag("yes", "Answer every question with yes", short="y"),
        ),
        env=(),
        needs_server=False,
        details="ollamars does not start or configure other tools; this command only says so.",
    ),
    Command(
        "bench",
        "bench MODEL",
        "Measure how fast a model runs on this machine",
        "bench:bench",
        least=1,
        most=1,
        flags=(
            Flag("batch", "Sequences that decode together (default 1)", short="b", type="int"),
            Flag("json", "Print JSON"),
            Flag("prompt", "Tokens of the prompt (default 512)", short="p", type="int"),
            Flag("rounds", "Rounds, of which the median counts (default 3)", short="r", type="int"),
            Flag("threads", "Threads (default: physical cores)", short="t", type="int"),
            Flag("tokens", "Tokens to decode (default 64)", short="n", type="int"),
        ),
        env=("OLLAMARS_CPU", "OLLAMARS_EXEC", "OLLAMA_MODELS"),
        needs_server=False,
        hidden=True,
        details=(
            "MODEL is the name of a stored model, or the path of a GGUF file.\n"
            "The server is neither needed nor used."
        ),
    ),
)


def find(name: str) -> Command | None:
    """The command of that name or alias."""
    return next((row for row in COMMANDS if name == row.name or name in row.aliases), None)
