from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ollamars.errors import BadRequest, OllamarsError, StoreError
from ollamars.store.create import CreateHooks, CreateRequest, DetectedTemplate, create_model
from ollamars.store.names import Name
from ollamars.store.store import Store
from tests.tiny_gguf import write_gguf

CHATML = DetectedTemplate("chatml", "{{ .Prompt }}", {"stop": ["<|im_end|>"]})


def check_template(text: str) -> None:
    if text.count("{{") != text.count("}}"):
        raise BadRequest("template: :1: unclosed action")


HOOKS = CreateHooks(
    check_template=check_template,
    detect_template=lambda text: CHATML if text == "known" else None,
)


class Workshop:
    """A store, and what making models in it reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "models")
        self.store.start(prune=False)
        self.lines: list[str] = []

    def upload(self, *, tensor: str = "blk.0.w", **metadata: Any) -> str:
        """Upload a small GGUF file; its digest."""
        metadata = {"general.architecture": "llama", "general.file_type": 1} | metadata
        path = self.folder / "upload.gguf"
        write_gguf(path, metadata, {tensor: np.ones((4, 32), np.float32)})
        return self.store.blobs.add(path.read_bytes()).digest

    def create(self, name: str, **fields: Any) -> None:
        request = CreateRequest(**fields)
        resolved = self.store.resolve(Name.parse(name))
        self.lines = []
        create_model(self.store, resolved, request, HOOKS, self.lines.append)

    def layers(self, name: str) -> list[tuple[str, str]]:
        manifest = self.store.manifests.read(Name.parse(name))
        return [(layer.kind, layer.source) for layer in manifest.layers]

    def blobs(self) -> set[str]:
        return {path.name for path in self.store.blobs.folder.iterdir()}


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_from_a_file(shop: Workshop) -> None:
    digest = shop.upload()
    shop.create("m", files={"m.gguf": digest}, system="s", parameters={"top_k": 3, "stop": ["<"]})
    assert [line.split(" sha256:")[0] for line in shop.lines] == [
        "parsing GGUF",
        "verifying conversion",
        "creating new layer",
        "creating new layer",
        "creating new layer",
        "writing manifest",
        "success",
    ]
    assert shop.layers("m") == [("model", ""), ("system", ""), ("params", "")]
    model = shop.store.load(Name.parse("m"))
    assert model.params == {"stop": ["<"], "top_k": 3}
    assert model.model_path is not None
    assert model.model_path.name != digest.replace(":", "-")
    config = shop.store.manifests.read(Name.parse("m")).config
    assert config is not None
    assert shop.store.blobs.read(config.digest) == (
        b'{"model_format":"gguf","model_family":"llama","model_families":["llama"],'
        b'"model_type":"128","file_type":"F16","architecture":"amd64","os":"linux"}\n'
    )


def test_an_embedded_encoder_keeps_the_file(shop: Workshop) -> None:
    digest = shop.upload(tensor="v.w")
    shop.create("m", files={"m.gguf": digest})
    assert shop.layers("m") == [("model", "m.gguf")]
    assert f"using existing layer {digest}" in shop.lines


def test_from_a_model_merges_and_replaces(shop: Workshop) -> None:
    shop.create(
        "base",
        files={"m.gguf": shop.upload()},
        template="{{ .Prompt }}",
        system="old",
        license="one",
        parameters={"top_k": 5, "stop": ["x"]},
        messages=[{"role": "User", "content": "q"}],
        renderer="r",
    )
    shop.create("child", from_="base", system="new", license=["two"], parameters={"stop": ["z"]})
    assert shop.layers("child") == [
        ("model", "base:latest"),
        ("template", "base:latest"),
        ("license", "base:latest"),
        ("messages", "base:latest"),
        ("system", ""),
        ("license", ""),
        ("params", ""),
    ]
    child = shop.store.load(Name.parse("child"))
    assert child.system == "new"
    assert child.licenses == ["one", "two"]
    assert child.params == {"stop": ["z"], "top_k": 5}
    assert child.messages == [{"role": "user", "content": "q"}]
    assert child.config["renderer"] == "r"
    assert child.parent == "base:latest"


def test_overwriting_removes_what_is_unused_then(shop: Workshop) -> None:
    shop.create("Foo", files={"m.gguf": shop.upload()}, system="one")
    shop.create("foo", files={"m.gguf": shop.upload()}, system="two")
    assert [name.short for name in shop.store.list()] == ["Foo:latest"]
    contents = {shop.store.blobs.folder.joinpath(name).read_bytes() for name in shop.blobs()}
    assert b"two" in contents
    assert b"one" not in contents


def test_a_known_chat_template_gives_a_template(shop: Workshop) -> None:
    digest = shop.upload(**{"tokenizer.chat_template": "known"})
    shop.create("m", files={"m.gguf": digest}, parameters={"top_k": 1})
    assert "using autodetected template chatml" in shop.lines
    model = shop.store.load(Name.parse("m"))
    assert model.template == "{{ .Prompt }}"
    assert model.params == {"stop": ["<|im_end|>"], "top_k": 1}
    shop.create("n", files={"m.gguf": digest}, template="own")
    assert not any("autodetected" in line for line in shop.lines)
    assert shop.store.load(Name.parse("n")).template == "own"


def test_an_architecture_has_defaults(shop: Workshop) -> None:
    shop.create("m", files={"m.gguf": shop.upload(**{"general.architecture": "gemma4"})})
    model = shop.store.load(Name.parse("m"))
    assert (model.config["renderer"], model.config["parser"]) == ("gemma4", "gemma4")
    assert model.params == {"stop": ["<turn|>"]}


def test_a_remote_model_has_no_layers(shop: Workshop) -> None:
    shop.create("m", from_="gpt-oss:20b-cloud", info={"context_length": 10})
    config = shop.store.load(Name.parse("m")).config
    assert config["remote_host"] == "https://ollama.com:443"
    assert config["remote_model"] == "gpt-oss:20b"
    assert config["context_length"] == 10
    shop.create("m", from_="x", remote_host="h/a/../b")
    assert shop.store.load(Name.parse("m")).config["remote_host"] == "http://h:11434/b"


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({}, 400, "neither 'from' or 'files' was specified"),
        ({"files": {}}, 400, "unknown type"),
        ({"files": {"x.gguf": "sha256:zz"}}, 500, "invalid digest format"),
        ({"files": {"x.safetensors": "sha256:zz"}}, 500, "open config.json: no such file"),
        (
            {"files": {"x.safetensors": "sha256:zz", "config.json": "sha256:zz"}},
            501,
            "creating from safetensors",
        ),
        ({"from_": "bad name"}, 400, "invalid model name"),
        ({"from_": "nosuch"}, 500, "is not stored"),
        ({"template": "{{ .Prompt "}, 400, "template error: template: :1: unclosed action"),
        ({"license": 3}, 500, r"json: cannot unmarshal number into Go value of type \[\]string"),
        ({"info": {"context_length": 1.5}}, 400, "must be a non-negative integer"),
        ({"info": {"model_family": 1}}, 400, 'info field "model_family" must be a string'),
        ({"quantize": "q99"}, 500, "unsupported quantization type Q99 - supported types"),
        ({"quantize": "q8_0"}, 501, "quantizing to Q8_0 is not supported yet"),
    ],
)
def test_refused_and_nothing_is_left(
    shop: Workshop, fields: dict[str, Any], status: int, message: str
) -> None:
    digest = shop.upload()
    if fields and not {"files", "from_"} & set(fields):
        fields = {"files": {"m.gguf": digest}, **fields}
    with pytest.raises(OllamarsError, match=message) as caught:
        shop.create("m", **fields)
    assert caught.value.status == status
    assert shop.blobs() == {digest.replace(":", "-")}
    assert shop.store.list() == {}


def test_foreign_bytes_are_refused(shop: Workshop) -> None:
    text = shop.store.blobs.add(b"hello world").digest
    with pytest.raises(BadRequest, match="supplied file was not in GGUF format"):
        shop.create("m", files={"m.gguf": text})
    with pytest.raises(BadRequest, match="unknown type"):
        shop.create("m", files={"m.bin": text})
    short = shop.store.blobs.add(b"GGUF\x03\0\0\0").digest
    with pytest.raises(StoreError):
        shop.create("m", files={"m.gguf": short})
    with pytest.raises(StoreError, match="llama-quantize"):
        shop.create("m", files={"m": shop.upload(**{"general.architecture": "nosuch"})})


def test_a_full_disk_leaves_the_store_as_it_was(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.create("m", files={"m.gguf": shop.upload()}, system="old")
    before = shop.blobs()

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StoreError, match="no space left on device"):
        shop.create("m", from_="m", system="new")
    monkeypatch.undo()
    assert shop.store.load(Name.parse("m")).system == "old"
    assert shop.blobs() == before
    assert [path.name for path in (shop.store.root / "manifests").iterdir()] == [
        "registry.ollama.ai"
    ]


def test_tool_calls_are_stored_as_ollama_stores_them(shop: Workshop) -> None:
    call = {"function": {"name": "f", "arguments": {"b": 2, "a": 1}}}
    messages = [
        {"role": "assistant", "thinking": "t", "tool_calls": [call]},
        {"role": "tool", "content": "r", "tool_name": "f", "tool_call_id": "c1"},
    ]
    shop.create("m", files={"m.gguf": shop.upload()}, messages=messages)
    layer = shop.store.manifests.read(Name.parse("m")).layers[-1]
    stored = shop.store.blobs.read(layer.digest)
    assert stored == (
        b'[{"role":"assistant","content":"","thinking":"t","tool_calls":[{"function":{"index":0,'
        b'"name":"f","arguments":{"b":2,"a":1}}}]},'
        b'{"role":"tool","content":"r","tool_name":"f","tool_call_id":"c1"}]\n'
    )
    assert json.loads(stored)
