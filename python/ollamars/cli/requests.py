"""The bodies of requests, with the fields that Ollama's own client always sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ollamars.cli.client import Client

Think = bool | str | None
"""Whether to think, or how hard; None: not sent."""


@dataclass(frozen=True, slots=True)
class Show:
    """What `POST /api/show` says about a model."""

    raw: Mapping[str, Any]

    @property
    def capabilities(self) -> list[str]:
        """What the model can do: `completion`, `vision`, ..."""
        return self.raw.get("capabilities") or []

    @property
    def remote_host(self) -> str:
        """Where a remote model runs; empty for a local one."""
        return self.raw.get("remote_host") or ""

    @property
    def remote_model(self) -> str:
        """The model's name there."""
        return self.raw.get("remote_model") or ""

    @property
    def is_remote(self) -> bool:
        """Does the model run elsewhere?"""
        return bool(self.remote_host)

    @property
    def takes_media(self) -> bool:
        """Can prompts hold images or sounds?"""
        return "vision" in self.capabilities or "audio" in self.capabilities

    @property
    def parent_model(self) -> str:
        """The model that it was made from, if any."""
        return (self.raw.get("details") or {}).get("parent_model") or ""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation that is stored with the model."""
        return self.raw.get("messages") or []


def show(
    client: Client,
    model: str = "",
    *,
    name: str = "",
    verbose: bool = False,
    system: str = "",
    options: Mapping[str, Any] | None = None,
) -> Show:
    """Ask about a model, by the new field (`model`) or the old one (`name`)."""
    body = {
        "model": model,
        "system": system,
        "template": "",
        "verbose": verbose,
        "options": options,
        "name": name,
    }
    return Show(client.post("/api/show", body))


def generate(
    model: str,
    prompt: str = "",
    *,
    options: Mapping[str, Any] | None,
    output_format: Any = None,
    keep_alive: str | int | None = None,
    images: list[str] | None = None,
    think: Think = None,
) -> dict[str, Any]:
    """The body of `POST /api/generate`; `images` are base64."""
    body = {
        "model": model,
        "prompt": prompt,
        "suffix": "",
        "system": "",
        "template": "",
        "options": options,
    }
    extra = {"format": output_format, "images": images or None}
    return body | given(extra, keep_alive=keep_alive, think=think)


def chat(
    model: str,
    messages: list[dict[str, Any]],
    *,
    options: Mapping[str, Any],
    output_format: Any = None,
    keep_alive: str | int | None = None,
    think: Think = None,
) -> dict[str, Any]:
    """The body of `POST /api/chat`."""
    body = {"model": model, "messages": messages, "options": options}
    return body | given({"format": output_format}, keep_alive=keep_alive, think=think)


def given(fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {key: value for key, value in {**fields, **more}.items() if value is not None}


def transfer(name: str, *, insecure: bool) -> dict[str, Any]:
    """The body of `POST /api/pull` and `POST /api/push`."""
    body: dict[str, Any] = {"model": "", "username": "", "password": "", "name": name}
    return body | ({"insecure": True} if insecure else {})
