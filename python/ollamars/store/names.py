"""Model names: `[scheme://][host/][namespace/]model[:tag]`, and references with a source suffix."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote as url_quote

from ollamars.errors import BadRequest
from ollamars.host import GO_SPACE, HOST_SAFE
from ollamars.store.gotext import quote

DEFAULT_HOST = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"
DEFAULT_SCHEME = "https"
MISSING = "!MISSING!"
"""Stands for a part that a separator announced and that is empty; never valid."""

_VALID = {
    "host": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}"),
    "namespace": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}"),
    "model": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"),
    "tag": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"),
}


class NameRequired(BadRequest):
    """No model is named."""


class InvalidName(BadRequest):
    """A name with a part that is missing or has a character that it may not have."""


class SourceConflict(BadRequest):
    """Two source suffixes, such as `:cloud:local`."""


@dataclass(frozen=True, slots=True)
class Name:
    """A model name in its parts; which may be invalid (`is_valid`)."""

    host: str = ""
    namespace: str = ""
    model: str = ""
    tag: str = ""
    scheme: str = ""

    @classmethod
    def parse_bare(cls, text: str) -> Name:
        """The parts that are written in `text`; the others stay empty."""
        tag = ""
        if text.rfind(":") > text.rfind("/"):
            text, tag, _ = _cut_last(text, ":")
        text, model, more = _cut_last(text, "/")
        if not more:
            return cls(model=text, tag=tag)
        text, namespace, more = _cut_last(text, "/")
        if not more:
            return cls(namespace=text, model=model, tag=tag)
        scheme, separator, host = text.partition("://")
        if not separator:
            scheme, host = "", text
        return cls(host=host, namespace=namespace, model=model, tag=tag, scheme=scheme)

    @classmethod
    def parse(cls, text: str) -> Name:
        """The name that `text` means, defaults filled in. Never fails; see `is_valid`."""
        bare = cls.parse_bare(text)
        return replace(
            bare,
            host=bare.host or DEFAULT_HOST,
            namespace=bare.namespace or DEFAULT_NAMESPACE,
            tag=bare.tag or DEFAULT_TAG,
            scheme=bare.scheme or DEFAULT_SCHEME,
        )

    @classmethod
    def from_path(cls, path: str) -> Name | None:
        """The name of a manifest by its path below `manifests/`; None if it is no valid one."""
        parts = path.split("/")
        if len(parts) != 4:
            return None
        name = cls(*parts)
        return name if name.is_valid else None

    @property
    def is_valid(self) -> bool:
        """Are all four parts there and of allowed characters and length?"""
        return all(
            pattern.fullmatch(getattr(self, part)) is not None for part, pattern in _VALID.items()
        )

    def __str__(self) -> str:
        """`host/namespace/model:tag`, without the parts that are empty."""
        host = f"{self.host}/" if self.host else ""
        namespace = f"{self.namespace}/" if self.namespace else ""
        tag = f":{self.tag}" if self.tag else ""
        return f"{host}{namespace}{self.model}{tag}"

    @property
    def short(self) -> str:
        """The name as shown: without default host and namespace, always with the tag."""
        text = f"{self.model}:{self.tag}"
        if fold(self.host) != DEFAULT_HOST:
            return f"{self.host}/{self.namespace}/{text}"
        if fold(self.namespace) != DEFAULT_NAMESPACE:
            return f"{self.namespace}/{text}"
        return text

    @property
    def namespace_model(self) -> str:
        """`namespace/model`, as a registry's URL has it."""
        return f"{self.namespace}/{self.model}"

    @property
    def base_url(self) -> str:
        """The registry's URL: `scheme://host`."""
        return f"{self.scheme}://{url_quote(self.host, safe=HOST_SAFE)}"

    @property
    def path(self) -> str:
        """The manifest's path below `manifests/`. Raises `InvalidName`."""
        if not self.is_valid:
            raise InvalidName(f"unqualified name: {self}")
        return f"{self.host}/{self.namespace}/{self.model}/{self.tag}"

    def same_as(self, other: Name) -> bool:
        """Are two names equal when case does not count?"""
        return self.key == other.key

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The four parts folded, for comparing without case."""
        return fold(self.host), fold(self.namespace), fold(self.model), fold(self.tag)


def _cut_last(text: str, separator: str) -> tuple[str, str, bool]:
    """Before and after the last separator (`MISSING` where empty), and whether there was one."""
    before, found, after = text.rpartition(separator)
    if not found:
        return text, "", False
    return before or MISSING, after or MISSING, True


def fold(text: str) -> str:
    """Text for comparison without case, character by character as Go's `EqualFold` does it."""
    return text.lower() if text.isascii() else "".join(map(_fold_char, text))


def _fold_char(char: str) -> str:
    upper = char.upper() if len(char.upper()) == 1 else char
    return upper.lower() if len(upper.lower()) == 1 else upper


def is_valid_namespace(text: str) -> bool:
    """May `text` be the namespace of a name?"""
    return _VALID["namespace"].fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ModelRef:
    """What a request means by a model: the name, and where it is to run."""

    base: str
    """The text without white space around it and without source suffix."""
    name: Name
    source: str
    """`local`, `cloud` or `unspecified`."""


def parse_ref(text: str, *, for_pull: bool = False) -> ModelRef:
    """Read a model reference, which may end in `:local`, `:cloud` or `-cloud` (in the tag).

    A pull asks the registry for `name:cloud` or `name:tag-cloud`, so the name gets that form then.
    Raises `NameRequired`, `SourceConflict`, `InvalidName`.
    """
    text = text.strip(GO_SPACE)
    if not text:
        raise NameRequired("model is required")
    base, source = _split_source(text)
    if source != "unspecified" and _split_source(base)[1] != "unspecified":
        raise SourceConflict(f"use either :local or :cloud, not both: {quote(text)}")
    if for_pull and source == "cloud":
        base += "-cloud" if base.rfind(":") > base.rfind("/") else ":cloud"
    name = Name.parse(base)
    if not name.is_valid:
        raise InvalidName(f"unqualified name: {name}")
    return ModelRef(base, name, source)


def _split_source(text: str) -> tuple[str, str]:
    before, separator, suffix = text.rpartition(":")
    suffix = suffix.strip(GO_SPACE)
    if separator:
        if suffix.lower() in ("cloud", "local"):
            return before, suffix.lower()
        if "/" not in suffix and suffix.lower().endswith("-cloud"):
            return f"{before}:{suffix[: -len('-cloud')]}", "cloud"
    return text, "unspecified"
