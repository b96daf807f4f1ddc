"""The key pair that stands for this user: `~/.ollama/id_ed25519`, in OpenSSH's format."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ollamars.errors import OllamarsError
from ollamars.store.files import describe, make_folder, store_errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Keys:
    """The key pair of a user. All methods block."""

    def __init__(self, home: str) -> None:
        self.path = Path(home, ".ollama", "id_ed25519")
        """The private key; the public one is beside it, with `.pub`."""

    def make(self) -> str | None:
        """Make a pair where there is none; the line of its public key, or None.

        Raises `StoreError`.
        """
        if self.path.exists():
            return None
        from cryptography.hazmat.primitives import serialization as form
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()
        )
        public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
        make_folder(self.path.parent)
        with store_errors(f"write {self.path}"):
            if not _write_new(self.path, private, 0o600):
                return None
            _write_new(self.path.with_suffix(".pub"), public + b"\n", 0o644)
        return public.decode()

    def sign(self, data: bytes) -> str:
        """`PUBLIC:SIGNATURE`, both in base64: a signature of `data`.

        Raises `OllamarsError` where the key cannot be read.
        """
        key = self._load()
        signature = base64.b64encode(key.sign(data)).decode()
        return f"{_public_line(key).split()[1]}:{signature}"

    def public(self) -> str:
        """The line of the public key: `ssh-ed25519 ...`. Raises as `sign` does."""
        return _public_line(self._load())

    def _load(self) -> Ed25519PrivateKey:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization as form
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        try:
            key = form.load_ssh_private_key(self.path.read_bytes(), password=None)
        except OSError as error:
            raise OllamarsError(describe(error, "open")) from None
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise OllamarsError(f"{self.path}: {error}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise OllamarsError(f"{self.path} is no ed25519 key")
        return key


def _public_line(key: Ed25519PrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization as form

    return key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH).decode()


def _write_new(path: Path, data: bytes, mode: int) -> bool:
    """Write a file whole; False where another was faster."""
    draft = path.with_name(f".{path.name}-{secrets.randbelow(10**10)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            return False
        draft.replace(path)
        return True
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
