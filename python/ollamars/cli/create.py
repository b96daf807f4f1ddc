"""`create`: read a Modelfile, upload its files, let the server make the model."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ollamars.cli.client import Client
from ollamars.cli.commands import Call
from ollamars.cli.create_request import CreateRequest, create_request
from ollamars.cli.errors import CommandError
from ollamars.cli.local_files import NO_MODEL
from ollamars.cli.progress import Progress, Spinner
from ollamars.cli.transfer import show_events
from ollamars.store.modelfile import Modelfile
from ollamars.store.names import Name

_GATHERING = "gathering model components"


def create(call: Call) -> int:
    """Create a model from a Modelfile, or from the model files of the current folder."""
    name = call.args[0]
    if call.flag("experimental"):
        raise CommandError("--experimental is not supported")
    client = Client(call.config)
    with Progress() as progress:
        if not Name.parse(name).is_valid:
            raise CommandError(f"invalid model name: {name}")
        modelfile, folder = _read_modelfile(progress, call.flag("file", ""))
        progress.spin(_GATHERING)
        request = _gather(modelfile, folder)
        body = _options(call, request) | request.json(name)
        _upload(client, progress, request)
        show_events(progress, client.stream("/api/create", body), status=_GATHERING)
    return 0


def _read_modelfile(progress: Progress, path: str) -> tuple[Modelfile, str]:
    """The Modelfile and the folder that its paths are relative to.

    Without `-f` and without a file named Modelfile, the current folder is the model.
    """
    name = path or "Modelfile"
    try:
        with open(name, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        if path:
            progress.spin(_GATHERING)
            raise CommandError(NO_MODEL) from None
        return Modelfile.parse(b"FROM ."), "."
    except OSError as error:
        raise _file_error(error) from None
    return Modelfile.parse(data), os.path.dirname(os.path.abspath(name))


def _gather(modelfile: Modelfile, folder: str) -> CreateRequest:
    from ollamars._core import sha256_file

    try:
        return create_request(modelfile, folder, sha256_file, lambda text: print(text, flush=True))
    except OSError as error:
        raise _file_error(error) from None


def _file_error(error: OSError) -> CommandError:
    return CommandError(f"open {error.filename}: {(error.strerror or str(error)).lower()}")


def _options(call: Call, request: CreateRequest) -> dict[str, Any]:
    options = {}
    if call.flag("quantize", ""):
        options["quantize"] = call.flag("quantize")
    if call.flag("draft-quantize", ""):
        if "draft_files" not in request.files:
            raise CommandError("--draft-quantize requires a DRAFT model")
        options["draft_quantize"] = call.flag("draft-quantize")
    return options


def _upload(client: Client, progress: Progress, request: CreateRequest) -> None:
    """Send the files, some at once; the first failure ends it."""
    files = {digest: path for path, digest in request.local_files().items()}
    if not files:
        return
    workers = max(1, (os.cpu_count() or 1) - 1)
    spinners = {digest: progress.add_spinner(f"copying file {digest} 0%") for digest in files}
    pool = ThreadPoolExecutor(workers)
    try:
        jobs = [
            pool.submit(_upload_file, client, path, digest, spinners[digest])
            for digest, path in files.items()
        ]
        for job in jobs:
            job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _upload_file(client: Client, path: str, digest: str, spinner: Spinner) -> None:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            client.upload(f"/api/blobs/{digest}", _Watched(file, size, digest, spinner), size)
    except OSError as error:
        raise _file_error(error) from None
    finally:
        spinner.stop()


class _Watched:
    """A file whose spinner says how much of it was read."""

    def __init__(self, file: Any, size: int, digest: str, spinner: Spinner) -> None:
        self._file = file
        self._size = size
        self._read = 0
        self._label = f"copying file {digest}"
        self._spinner = spinner

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        self._read += len(data)
        percent = 100 * self._read // self._size if self._size else 100
        self._spinner.status = f"{self._label} {percent}%"
        return data
