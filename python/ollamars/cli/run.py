"""`run`: one question, piped text, an embedding, or the interactive chat."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

from ollamars.cli import requests
from ollamars.cli.account import NEEDS_ACCOUNT, open_signin
from ollamars.cli.answer import Answer, embedding_text, statistics_text
from ollamars.cli.client import Client
from ollamars.cli.commands import Call
from ollamars.cli.errors import CommandError, StatusError
from ollamars.cli.media import take_media
from ollamars.cli.progress import Progress
from ollamars.cli.requests import Show, Think
from ollamars.cli.show import refuse_image_model
from ollamars.cli.transfer import pull_model
from ollamars.config import Config
from ollamars.durations import format_duration, parse_duration
from ollamars.store.gotext import quote
from ollamars.store.names import parse_ref

_THINK: dict[str, bool | str] = {"": True, "true": True, "false": False} | {
    level: level for level in ("high", "medium", "low", "max")
}


@dataclass
class Options:
    """How a model is run; the interactive chat changes it."""

    model: str
    shown: Show
    config: Config
    keep_alive: str | int | None = None
    format: str = ""
    """Empty, `json`, or the text of a JSON schema."""
    think: Think = None
    hide_thinking: bool = False
    wrap: bool = True
    verbose: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    """Options that the user set."""

    def json_format(self) -> Any:
        """The `format` of a request. Raises `CommandError` for a text that is no JSON."""
        return parse_format(self.format)


def run(call: Call) -> int:
    """Run a model."""
    think = parse_think(call.flag("think", None))
    keep_alive = parse_keep_alive(call.flag("keepalive", None))
    prompt, interactive = _prompt(call.args[1:])
    client = Client(call.config)
    model, shown = _find_model(client, call.args[0], insecure=call.flag("insecure"))
    refuse_image_model(shown)
    options = Options(
        model=model,
        shown=shown,
        config=call.config,
        keep_alive=keep_alive,
        format=call.flag("format", ""),
        think=think if think is not None else default_think(shown),
        hide_thinking=call.flag("hidethinking"),
        wrap=not call.flag("nowordwrap"),
        verbose=call.flag("verbose"),
    )
    if "embedding" in shown.capabilities:
        return _embed(client, options, prompt, call)
    try:
        if interactive:
            from ollamars.cli.interactive.session import Session

            return Session(client, options).run()
        _generate(client, options, prompt)
    except StatusError as error:
        if error.status != 401 or not error.signin_url:
            raise
        print(NEEDS_ACCOUNT)
        open_signin(error.signin_url)
    return 0


def parse_think(text: str | None) -> Think:
    """The value of `--think`. Raises `CommandError`."""
    if text is None:
        return None
    if text not in _THINK:
        raise CommandError(
            f"invalid value for --think: {quote(text)} "
            "(must be true, false, high, medium, low, or max)"
        )
    return _THINK[text]


def default_think(shown: Show) -> Think:
    """A model that can think does so unless it is told not to."""
    return True if "thinking" in shown.capabilities else None


def parse_keep_alive(text: str | None) -> str | int | None:
    """The `keep_alive` of requests: a duration as Go prints it, -1 for ever."""
    if text is None or text == "":
        return None
    try:
        ns = parse_duration(text)
    except ValueError as error:
        raise CommandError(str(error)) from None
    return -1 if ns < 0 else format_duration(ns)


def parse_format(text: str) -> Any:
    """The `format` of requests: nothing, `json`, or a schema. Raises `CommandError`."""
    if text in ("", "json"):
        return text or None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = text[error.pos :].lstrip()
        problem = (
            f"invalid character {_quote_char(where[0])} looking for beginning of value"
            if where
            else "unexpected end of JSON input"
        )
        raise CommandError(
            f"json: error calling MarshalJSON for type json.RawMessage: {problem}"
        ) from None


def _quote_char(char: str) -> str:
    return {"'": r"'\''", '"': "'\"'"}.get(char) or f"'{quote(char)[1:-1]}'"


def _prompt(words: list[str]) -> tuple[str, bool]:
    """The prompt from standard input and arguments; and whether to chat instead."""
    prompt = " ".join(words)
    if not sys.stdin.isatty():
        piped = sys.stdin.buffer.read().decode("utf-8", "replace")
        if piped:
            prompt = f"{piped} {prompt}" if words else piped
        return prompt, False
    return prompt, not words and sys.stdout.isatty()


def _find_model(client: Client, name: str, *, insecure: bool) -> tuple[str, Show]:
    """The model, pulled first where the server does not have it."""
    try:
        shown = requests.show(client, name)
    except StatusError as error:
        if error.status != 404:
            raise
        name = pull_model(client, name, insecure=insecure, command="run")
        return name, requests.show(client, name)
    if shown.is_remote:
        _keep_cloud_model(client, name)
    return name, shown


def _keep_cloud_model(client: Client, name: str) -> None:
    """List a cloud model that is asked for by its cloud name among the local ones."""
    try:
        if parse_ref(name).source != "cloud":
            return
        models = client.get("/api/tags").get("models") or []
        if any(name in (model.get("name"), model.get("model")) for model in models):
            return
        for _ in client.stream(
            "/api/pull", requests.transfer("", insecure=False) | {"model": name}
        ):
            pass
    except CommandError:
        return  # the model can be used all the same


def _embed(client: Client, options: Options, text: str, call: Call) -> int:
    if not text:
        raise CommandError(
            "embedding models require input text. "
            f'Usage: ollama run {options.model} "your text here"'
        )
    body = {"model": options.model, "input": text, "options": None} | requests.given(
        {
            "keep_alive": options.keep_alive,
            "truncate": call.flag("truncate", None),
            "dimensions": call.flag("dimensions", None),
        }
    )
    embeddings = client.post("/api/embed", body).get("embeddings") or []
    if not embeddings:
        raise CommandError("no embeddings returned")
    print(embedding_text(embeddings[0]))
    return 0


def _generate(client: Client, options: Options, prompt: str) -> None:
    """Ask once and print the answer; an interrupt ends it without complaint."""
    styled = sys.stdout.isatty()
    answer = Answer(
        styled=styled, wrap=options.wrap and styled, hide_thinking=options.hide_thinking
    )
    final: dict[str, Any] = {}
    progress = Progress(clear=True)
    try:
        with progress:
            images: list[str] = []
            if options.shown.takes_media:
                prompt, images = take_media(prompt)
            body = requests.generate(
                options.model,
                prompt,
                options=options.parameters,
                output_format=options.json_format(),
                keep_alive=options.keep_alive,
                images=images,
                think=options.think,
            )
            progress.spin("")
            for event in client.stream("/api/generate", body):
                thinking, text = event.get("thinking") or "", event.get("response") or ""
                calls = event.get("tool_calls") or []
                if answer.shows(thinking, text, calls):
                    progress.stop()
                answer.add(thinking, text, calls)
                final = event
    except KeyboardInterrupt:
        if styled:
            print()
        return
    finally:
        answer.finish()
        sys.stdout.flush()
    if prompt:
        print("\n", flush=True)
    if options.verbose and final.get("done"):
        sys.stderr.write(statistics_text(final))
