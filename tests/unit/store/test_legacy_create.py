"""The older forms of `/api/create`: a Modelfile as text, or the path of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ollamars.server.dialects.ollama import legacy_create
from tests.tiny_gguf import successor_model
from tests.unit.store.test_routes import Client
from tests.unit.store.test_routes import client as client
from tests.unit.store.test_routes import model as model

pytestmark = pytest.mark.trio


async def create(client: Client, **fields: Any) -> Any:
    return await client.json("POST", "/api/create", {"stream": False, **fields})


async def show(client: Client, name: str) -> Any:
    return await client.json("POST", "/api/show", {"name": name})


async def test_the_text_of_a_modelfile(model: Client) -> None:
    base = await show(model, "m")
    text = (
        "FROM m\nSYSTEM You are Mario.\nPARAMETER temperature 0.25\nPARAMETER stop a\n"
        'PARAMETER stop b\nPARAMETER mirostat 1\nTEMPLATE """{{ .System }}{{ .Prompt }}"""\n'
        "MESSAGE user hi: there\nMESSAGE assistant hello\nLICENSE MIT\n"
    )
    assert await create(model, name="mario", modelfile=text) == {"status": "success"}
    shown = await show(model, "mario")
    assert shown["system"] == "You are Mario."
    assert shown["template"] == "{{ .System }}{{ .Prompt }}"
    assert [line.split() for line in shown["parameters"].splitlines()] == [
        ["num_ctx", "4096"],
        ["stop", '"a"'],
        ["stop", '"b"'],
        ["temperature", "0.25"],
    ]
    assert shown["messages"] == [
        {"role": "user", "content": "hi: there"},
        {"role": "assistant", "content": "hello"},
    ]
    assert "MIT" in shown["license"]
    assert shown["details"]["family"] == base["details"]["family"]
    assert shown["details"]["parent_model"] == "m:latest"


async def test_an_uploaded_blob(client: Client, tmp_path: Path) -> None:
    data = successor_model(tmp_path / "model.gguf").read_bytes()
    digest = await client.upload(data)
    assert await create(client, name="a", modelfile=f"FROM @{digest}") == {"status": "success"}
    assert (await show(client, "a"))["details"]["family"] == "llama"
    absent = "sha256:" + "0" * 64
    body = {"name": "b", "modelfile": f"FROM @{absent}", "stream": False}
    assert (await client.error("POST", "/api/create", body))[0] >= 400
    text = await client.upload(b"no model")
    body = {"name": "b", "modelfile": f"FROM @{text}", "stream": False}
    assert await client.error("POST", "/api/create", body) == (400, "unknown type")


async def test_files_of_the_machine(client: Client, tmp_path: Path) -> None:
    successor_model(tmp_path / "model.gguf")
    (tmp_path / "Modelfile").write_text("FROM ./model.gguf\nSYSTEM s\n")
    path = str(tmp_path / "Modelfile")
    assert await create(client, name="a", path=path) == {"status": "success"}
    assert (await show(client, "a"))["system"] == "s"
    text = f"FROM {tmp_path}/model.gguf\n"
    assert await create(client, name="b", modelfile=text) == {"status": "success"}
    assert await create(client, name="c", modelfile="FROM ./model.gguf", path=path) == {
        "status": "success"
    }
    status, message = await client.error("POST", "/api/create", {"name": "d", "path": "/absent"})
    assert status == 400
    assert message == "error reading modelfile: open /absent: no such file or directory"
    body = {"name": "d", "modelfile": "FROM ./absent.gguf"}
    assert await client.error("POST", "/api/create", body) == (
        400,
        "invalid model reference: ./absent.gguf",
    )


async def test_a_modelfile_that_is_too_large(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legacy_create, "MAX_MODELFILE", 10)
    (tmp_path / "Modelfile").write_text("FROM tiny # " + "x" * 10)
    body = {"name": "d", "path": str(tmp_path / "Modelfile")}
    status, message = await client.error("POST", "/api/create", body)
    assert (status, message) == (400, "error reading modelfile: more than 10 bytes")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"modelfile": "SYSTEM x"}, "no FROM line"),
        ({"modelfile": "FROM a\nPARAMETER nope 1"}, "unknown parameter 'nope'"),
        ({"modelfile": "FROM a\nNOPE x"}, "command must be one of"),
        ({"modelfile": ""}, "neither 'from' or 'files' was specified"),
        ({"modelfile": 5, "path": ["a"]}, "neither 'from' or 'files' was specified"),
        ({"path": "/a\0b"}, "error reading modelfile"),
    ],
)
async def test_refused(client: Client, fields: Any, message: str) -> None:
    body = {"name": "x", "stream": False, **fields}
    status, text = await client.error("POST", "/api/create", body)
    assert status == 400
    assert message in text


async def test_the_newer_fields_win(model: Client) -> None:
    assert await create(model, model="b", **{"from": "m"}, modelfile="nonsense", path=7) == {
        "status": "success"
    }


async def test_a_server_that_others_reach_reads_no_files(tmp_path: Path) -> None:
    from ollamars.errors import Forbidden
    from ollamars.store.store import Store

    blobs = Store(tmp_path / "store").blobs
    for modelfile, path in (("FROM /etc/passwd", ""), ("FROM a\nADAPTER ./x", ""), ("", "/x")):
        with pytest.raises(Forbidden, match="read only for its own machine"):
            legacy_create.legacy_fields(modelfile, path, blobs, paths=False)
    fields = legacy_create.legacy_fields("FROM a\nSYSTEM s", "", blobs, paths=False)
    assert fields == {"from_": "a", "system": "s"}
