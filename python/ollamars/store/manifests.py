"""Manifests: one JSON file for each model, listing its layers."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ollamars.errors import NotFound, StoreError
from ollamars.store import gojson
from ollamars.store.files import describe, make_folder, store_errors, sync_folder, write_atomically
from ollamars.store.gosyntax import SyntaxFault, first_value
from ollamars.store.names import Name

_log = logging.getLogger(__name__)

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_PREFIX = "application/vnd.ollama.image."
"""Begins the media type of every layer of Ollama."""


class ModelNotFound(NotFound):
    """No model of this name is stored."""


class DamagedManifest(StoreError):
    """A manifest that cannot be read; the text is that of Go's JSON decoder."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A blob and what it is to a model."""

    media_type: str
    digest: str
    size: int
    """Bytes, as the manifest says."""
    source: str = ""
    """`from` in the manifest: the model or the file that the layer was taken from."""
    name: str = ""
    """Name of the tensor or file that the layer holds (models of many files)."""

    @classmethod
    def of(cls, kind: str, digest: str, size: int, *, source: str = "", name: str = "") -> Layer:
        """A layer of one of Ollama's kinds: `model`, `template`, `params` and so on."""
        return cls(LAYER_PREFIX + kind, digest, size, source, name)

    @property
    def kind(self) -> str:
        """`model`, `template`, ...; the whole media type if it is not one of Ollama's."""
        return self.media_type.removeprefix(LAYER_PREFIX)

    def as_json(self) -> dict[str, Any]:
        """The layer as an object of the manifest."""
        layer = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        extra = {"from": self.source, "name": self.name}
        return layer | {key: value for key, value in extra.items() if value}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model's layers."""

    config: Layer | None
    layers: tuple[Layer, ...]
    digest: str = ""
    """64 hex digits: the SHA-256 of the file."""
    modified_ns: int = 0
    """Modification time of the file, in ns since 1970."""

    @property
    def size(self) -> int:
        """Bytes of all layers and the configuration, as the manifest says."""
        return sum(layer.size for layer in self.all_layers)

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """The layers and the configuration."""
        return self.layers if self.config is None else (*self.layers, self.config)

    def encode(self) -> bytes:
        """The file's bytes."""
        empty = {"mediaType": "", "digest": "", "size": 0}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": empty if self.config is None else self.config.as_json(),
            "layers": [layer.as_json() for layer in self.layers] or None,
        }
        return gojson.dumps(manifest) + b"\n"

    @classmethod
    def decode(cls, data: bytes, *, modified_ns: int = 0) -> Manifest:
        """Read a file's bytes. Raises `DamagedManifest`."""
        try:
            value = first_value(data)
        except SyntaxFault as fault:
            raise DamagedManifest(str(fault)) from None
        manifest = _typed(value, dict, "manifest.Manifest")
        config = _decode_layer(manifest.get("config"))
        layers = _typed(manifest.get("layers"), list, "[]manifest.Layer")
        return cls(
            config=config if config.digest else None,
            layers=tuple(map(_decode_layer, layers)),
            digest=hashlib.sha256(data).hexdigest(),
            modified_ns=modified_ns,
        )


_GO_KINDS = {dict: "object", list: "array", str: "string", bool: "bool", int: "number"}


def _typed(value: Any, kind: type, go_type: str) -> Any:
    """A value of the wanted type, empty for null. Raises `DamagedManifest`."""
    if value is None:
        return kind()
    if type(value) is not kind:
        found = _GO_KINDS.get(type(value), "number")
        raise DamagedManifest(f"json: cannot unmarshal {found} into Go value of type {go_type}")
    return value


def _decode_layer(value: Any) -> Layer:
    layer = _typed(value, dict, "manifest.Layer")
    media_type, digest, source, name = (
        _typed(layer.get(key), str, "string") for key in ("mediaType", "digest", "from", "name")
    )
    return Layer(media_type, digest, _typed(layer.get("size"), int, "int64"), source, name)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All manifests of a store."""

    manifests: dict[Name, Manifest]
    """Those that can be read, sorted by path."""
    problems: list[str]
    """What is wrong with the others."""
    is_whole: bool
    """False: the system refused to show a part, so there may be models that are not known here."""


class Manifests:
    """The manifests of a store. All methods block; they may be called from any thread."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "manifests"

    @property
    def folder(self) -> Path:
        """The folder of the manifests; made when it is not there. Raises `StoreError`."""
        make_folder(self._folder)
        return self._folder

    def path(self, name: Name) -> Path:
        """Where the manifest of a name is or would be. Raises `InvalidName`."""
        return self._folder / name.path

    def has(self, name: Name) -> bool:
        """Is there a manifest of exactly this name? Raises `InvalidName`."""
        try:
            return self.path(name).is_file()
        except OSError:  # longer than the file system can name
            return False

    def read(self, name: Name) -> Manifest:
        """The manifest of exactly this name. Raises `ModelNotFound`, `DamagedManifest`."""
        try:
            with self.path(name).open("rb") as file:
                data = file.read()
                modified_ns = os.fstat(file.fileno()).st_mtime_ns
        except (FileNotFoundError, NotADirectoryError):
            raise ModelNotFound(f"model '{name.short}' not found") from None
        except OSError as error:
            raise StoreError(describe(error, "open")) from error
        return Manifest.decode(data, modified_ns=modified_ns)

    def write(self, name: Name, data: bytes) -> None:
        """Write a manifest whole. Raises `StoreError`, `InvalidName`."""
        path = self.path(name)
        make_folder(path.parent)
        with store_errors(f"write {path}"):
            write_atomically(path, data, temporary=self.folder)

    def remove(self, name: Name) -> None:
        """Remove a manifest and the folders that it leaves empty. Raises `StoreError`."""
        with store_errors("remove"):
            self.path(name).unlink()
            sync_folder(self.path(name).parent)
        self.remove_empty_folders()

    def names(self) -> list[Name]:
        """All names that have a manifest, sorted. Raises `StoreError`."""
        return self._scan()[0]

    def _scan(self) -> tuple[list[Name], list[str], list[str]]:
        """All names, the paths of files that have no valid name, and what could not be read.

        Links to folders and files are followed; a link to nothing counts as a bad file.
        """
        found: list[Name] = []
        bad: list[str] = []
        unreadable: list[str] = []
        folder = self.folder
        for path in _files_at_depth(folder, 4, unreadable):
            relative = path.relative_to(folder).as_posix()
            name = Name.from_path(relative)
            if name is None or not path.exists():
                bad.append(relative)
            else:
                found.append(name)
        return found, bad, unreadable

    def read_all(self) -> Inventory:
        """All that is there. Raises `StoreError` where there is no folder and none can be made."""
        names, bad, unreadable = self._scan()
        damaged = [f"{path} is no manifest" for path in bad]
        manifests = {}
        for name in names:
            try:
                manifests[name] = self.read(name)
            except ModelNotFound:
                continue  # removed meanwhile
            except DamagedManifest as error:
                damaged.append(f"{name} {error.message}")
            except StoreError as error:
                unreadable.append(f"{name} {error.message}")
        return Inventory(manifests, damaged + unreadable, not unreadable)

    def remove_empty_folders(self) -> None:
        """Remove every empty folder below `manifests`, and that itself when nothing is left."""
        for folder, _, _ in os.walk(self._folder, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()


def _files_at_depth(folder: Path, depth: int, unreadable: list[str]) -> list[Path]:
    """Everything but folders that lies exactly `depth` levels below, sorted.

    What the system refuses to show is told in `unreadable`.
    """
    try:
        entries = sorted(folder.iterdir())
        if depth == 1:
            return [entry for entry in entries if not entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        unreadable.append(describe(error, "open"))
        return []
    return [path for entry in entries for path in _files_at_depth(entry, depth - 1, unreadable)]
