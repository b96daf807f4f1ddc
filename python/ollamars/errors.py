"""The one hierarchy of errors, each with the HTTP status that it maps to."""

from __future__ import annotations


class OllamarsError(Exception):
    """Base of every error that a user may see; `status` is its HTTP status."""

    status: int = 500

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status


class BadRequest(OllamarsError):
    """The request cannot be understood or asks for what cannot be."""

    status = 400


class Forbidden(OllamarsError):
    """The request is understood and refused."""

    status = 403


class NotFound(OllamarsError):
    """What the request names is not there."""

    status = 404


class Busy(OllamarsError):
    """Too many requests wait already."""

    status = 503


class ModelError(OllamarsError):
    """A model's file is damaged, or of a kind that cannot be run."""

    status = 500


class StoreError(OllamarsError):
    """The model store could not be read or written (full disk, damaged manifest)."""

    status = 500
