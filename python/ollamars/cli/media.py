"""Images and sounds that a prompt names by path: taken out of the text, checked, read."""

from __future__ import annotations

import base64
import os
import re
import sys

from ollamars.cli.content_type import content_type
from ollamars.cli.errors import CommandError
from ollamars.store.gotext import quote

_PATH = re.compile(
    r"(?:[a-zA-Z]:)?(?:\./|/|\\)[\S\\ ]+?\.(?:jpg|jpeg|png|webp|wav)\b", re.IGNORECASE
)
_ESCAPED = re.compile(r"\\([ ()\[\]{}$&;'?*~\\])")
_TYPES = ("image/jpeg", "image/png", "image/webp", "audio/wave")
_LARGEST = 100 * 1024 * 1024
_HEAD = 512


def paths_in(prompt: str) -> list[str]:
    """The parts of a prompt that look like paths of images or sounds, as they are written."""
    return _PATH.findall(prompt)


def take_media(prompt: str) -> tuple[str, list[str]]:
    """The prompt without the paths of existing files, and those files in base64.

    A path that leads nowhere stays text. Raises `CommandError` for a file of another kind.
    """
    found = []
    for written in paths_in(prompt):
        path = _ESCAPED.sub(r"\1", written)
        try:
            data = read_media(path)
        except FileNotFoundError:
            continue
        except (CommandError, OSError) as error:
            reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            print(f"Couldn't process file: {quote(reason)}", file=sys.stderr)
            raise CommandError(reason) from None
        kind = "audio" if path.lower().endswith(".wav") else "image"
        print(f"Added {kind} '{path}'", file=sys.stderr)
        for part in (f"'{path}'", f"'{written}'", written):
            prompt = prompt.replace(part, "")
        found.append(base64.b64encode(data).decode("ascii"))
    return prompt.strip(), found


def read_media(path: str) -> bytes:
    """The content of an image or sound. Raises `CommandError` (kind, size) or `OSError`."""
    with open(path, "rb") as file:
        head = file.read(_HEAD)
        if not head:
            raise CommandError("EOF")
        # A short file is judged as if zeros followed, so that text in it does not pass for text.
        kind = content_type(head.ljust(_HEAD, b"\0"))
        if kind not in _TYPES:
            raise CommandError(f"invalid file type: {kind}")
        if os.fstat(file.fileno()).st_size > _LARGEST:
            raise CommandError("file size exceeds maximum limit (100MB)")
        return head + file.read()
