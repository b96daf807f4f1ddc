"""The files that a line of a Modelfile means: one file, or those of a model's folder."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator

from ollamars.cli.content_type import content_type
from ollamars.cli.errors import CommandError

NO_MODEL = "no Modelfile or safetensors files found"
_BINARY, _ZIP, _TEXT = "application/octet-stream", "application/zip", "text/plain"
_HEAD = 512

_WEIGHTS = (
    ("model*.safetensors", None),
    ("consolidated*.safetensors", None),
    ("pytorch_model*.bin", _ZIP),
    ("consolidated*.pth", _ZIP),
    ("*.gguf", _BINARY),
    ("*.bin", _BINARY),
)
"""Names of weights and what they must hold; the first pattern with files decides."""
_NESTED_WEIGHTS = "*/model*.safetensors"
_TEXTS = ("*.json", "*/*.json", "chat_template.jinja")
_TOKENIZERS = (("tokenizer.model", _BINARY), ("*/tokenizer.model", _TEXT))


class _WrongContent(CommandError):
    """A file that holds something else than its name says."""


def expand_path(path: str, folder: str) -> str:
    """An absolute path; `~` and `~user` are homes, others are relative to `folder`.

    Raises `CommandError` for a user who does not exist.
    """
    if path.startswith("~"):
        user, _, rest = path[1:].partition("/")
        path = os.path.join(_home(user), rest)
    return os.path.normpath(os.path.join(os.path.abspath(folder), path))


def _home(user: str) -> str:
    """The home that the system knows for a user (empty: who runs this); `$HOME` is not asked."""
    import pwd

    try:
        return (pwd.getpwnam(user) if user else pwd.getpwuid(os.getuid())).pw_dir
    except KeyError:
        if not user:
            return os.path.expanduser("~")
        raise CommandError(f"failed to find user '{user}': user: unknown user {user}") from None


def files_of(path: str) -> list[str]:
    """The files of a path: itself, or the weights and texts of a folder, links resolved.

    Raises `FileNotFoundError`, or `CommandError` where the folder holds no model, a file of a wrong
    kind, or a link that leaves the folder.
    """
    if not os.path.isdir(path):
        os.stat(path)
        return [path]
    return [_inside(path, file) for file in _folder_files(path)]


def _folder_files(path: str) -> Iterator[str]:
    weights = _weights(path)
    yield from weights
    for pattern in _TEXTS:
        yield from _find(path, pattern, _TEXT)
    for pattern, kind in _TOKENIZERS:
        found = _find_or_nothing(path, pattern, kind)
        if found:
            yield from found
            return


def _weights(path: str) -> list[str]:
    for pattern, kind in _WEIGHTS:
        found = _find_or_nothing(path, pattern, kind)
        if found and pattern == _WEIGHTS[0][0]:
            return found + _find(path, _NESTED_WEIGHTS, None)
        if found:
            return found
    raise CommandError(NO_MODEL)


def _find_or_nothing(path: str, pattern: str, kind: str | None) -> list[str]:
    try:
        return _find(path, pattern, kind)
    except (_WrongContent, OSError):
        return []


def _find(path: str, pattern: str, kind: str | None) -> list[str]:
    """The files of a pattern, hidden ones included. Raises `_WrongContent`, `OSError`."""
    names = sorted(glob.glob(pattern, root_dir=path, include_hidden=True))
    found = [os.path.join(path, name) for name in names]
    for file in found:
        with open(file, "rb") as opened:
            actual = content_type(opened.read(_HEAD)).partition(";")[0]
        if kind is not None and actual != kind:
            raise _WrongContent(f"invalid content type: expected {actual} for {file}")
    return found


def _inside(folder: str, file: str) -> str:
    """The file that a link leads to. Raises `CommandError` where it leaves the folder."""
    real = os.path.realpath(file)
    relative = os.path.relpath(real, folder)
    if relative.split(os.sep)[0] == os.pardir:
        hint = "\n\nUse --local-dir <dir> when downloading model to disable caching"
        raise CommandError(f"insecure path: {relative}" + (hint if ".cache" in relative else ""))
    return real


def sent_names(paths: list[str]) -> dict[str, str]:
    """How the server is told about files: one by its name, several by their way below the folder
    that they have in common."""
    if len(paths) == 1:
        return {paths[0]: os.path.basename(paths[0])}
    common = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    return {path: os.path.relpath(path, common) for path in paths}
