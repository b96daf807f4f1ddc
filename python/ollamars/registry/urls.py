"""The addresses of a registry's things."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ollamars.store.names import Name


@dataclass(frozen=True, slots=True)
class Repository:
    """A model in a registry: `base`/v2/`path`."""

    base: str
    """`https://host`."""
    path: str
    """`namespace/model`."""
    tag: str

    @classmethod
    def of(cls, name: Name, *, insecure: bool) -> Repository:
        """Where a name lies: over https, `insecure` over http; its own scheme does not count."""
        scheme = "http" if insecure else "https"
        return cls(replace(name, scheme=scheme).base_url, name.namespace_model, name.tag)

    @property
    def manifest(self) -> str:
        """The manifest."""
        return f"{self.base}/v2/{self.path}/manifests/{self.tag}"

    def blob(self, digest: str) -> str:
        """A blob."""
        return f"{self.base}/v2/{self.path}/blobs/{digest}"

    def uploads(self, *, mount: str = "", source: str = "") -> str:
        """Where an upload begins; with `source`, the blob `mount` may be taken from there."""
        url = f"{self.base}/v2/{self.path}/blobs/uploads/"
        return with_query(url, {"from": source, "mount": mount}) if source else url


def with_query(url: str, more: dict[str, str | list[str]]) -> str:
    """A URL with more fields in its query, which is sorted by name and encoded as a form."""
    parts = urlsplit(url)
    fields = parse_qsl(parts.query, keep_blank_values=True)
    for name, values in more.items():
        fields += [(name, value) for value in ([values] if isinstance(values, str) else values)]
    return urlunsplit(parts._replace(query=urlencode(sorted(fields, key=lambda field: field[0]))))
