from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ollamars.errors import StoreError
from ollamars.store.manifests import CONFIG_TYPE, DamagedManifest, Layer, Manifest, ModelNotFound
from ollamars.store.names import Name
from ollamars.store.store import Pruned, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "models")
    store.start(prune=False)
    return store


def make(store: Store, name: str, system: str = "", **config: Any) -> Manifest:
    """A model without weights."""
    layers = []
    if system:
        blob = store.blobs.add(system.encode())
        layers.append(Layer.of("system", blob.digest, blob.size))
    blob = store.blobs.add(json.dumps(config).encode())
    manifest = Manifest(Layer(CONFIG_TYPE, blob.digest, blob.size), tuple(layers))
    store.manifests.write(Name.parse(name), manifest.encode())
    return manifest


def files(store: Store) -> set[str]:
    return {
        path.relative_to(store.root).as_posix() for path in store.root.rglob("*") if path.is_file()
    }


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_model_is_read_as_it_was_written(store: Store) -> None:
    make(store, "n/m:t", system="Be brief.", model_family="llama")
    model = store.load(Name.parse("N/M:T"))
    assert model.name == Name("registry.ollama.ai", "n", "m", "t", "https")
    assert model.system == "Be brief."
    assert model.config == {"model_family": "llama"}
    assert len(model.digest) == 64
    path = store.root / "manifests/registry.ollama.ai/n/m/t"
    assert Manifest.decode(path.read_bytes()).layers[0].kind == "system"
    assert path.read_bytes().startswith(
        b'{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",'
        b'"config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"sha256:'
    )
    assert path.read_bytes().endswith(b"}]}\n")


def test_each_part_takes_the_spelling_of_the_store(store: Store) -> None:
    make(store, "ns1/Foo:V1")
    assert store.resolve(Name.parse("ns2/foo:v1")).short == "ns2/Foo:V1"
    assert store.resolve(Name.parse("NS1/bar:v1")).short == "ns1/bar:V1"
    make(store, "ns1/foo:V1")
    assert store.resolve(Name.parse("ns1/foo:v1")).short == "ns1/Foo:V1"
    assert store.resolve(Name.parse("ns1/foo:V1")).short == "ns1/foo:V1"


def test_delete_keeps_what_another_model_uses(store: Store) -> None:
    make(store, "a", system="shared", number=1)
    make(store, "b", system="shared", number=2)
    before = files(store)
    store.delete(Name.parse("A"))
    gone = before - files(store)
    assert len(gone) == 2
    assert "manifests/registry.ollama.ai/library/a/latest" in gone
    store.delete(Name.parse("b"))
    assert files(store) == set()
    assert not any((store.root / "manifests").glob("*"))
    with pytest.raises(ModelNotFound, match="model 'b:latest' not found"):
        store.delete(Name.parse("b"))


def test_copy(store: Store) -> None:
    make(store, "a", system="A")
    store.copy(Name.parse("a"), Name.parse("h:1/n/c:t"))
    assert store.load(Name.parse("h:1/n/c:t")).system == "A"
    store.copy(Name.parse("a"), Name.parse("A"))
    assert [name.short for name in store.list()] == ["h:1/n/c:t", "a:latest"]
    with pytest.raises(ModelNotFound):
        store.copy(Name.parse("nosuch"), Name.parse("x"))


def test_prune_removes_old_blobs_that_nobody_uses(store: Store) -> None:
    make(store, "a", system="used")
    orphan = store.blobs.path(store.blobs.add(b"orphan").digest)
    young = store.blobs.path(store.blobs.add(b"young").digest)
    partial = store.blobs.folder / "sha256-123-partial"
    partial.write_bytes(b"half")
    (store.blobs.folder / "sub").mkdir()
    (store.root / "manifests/empty/folder").mkdir(parents=True)
    for path in [*store.blobs.folder.glob("sha256-*")]:
        age(path, 7200 if path != young else 60)
    assert store.start(prune=True) == Pruned(total=3, removed=1)
    assert not orphan.exists()
    assert not partial.exists()
    assert young.exists()
    assert not (store.root / "manifests/empty").exists()
    assert store.load(Name.parse("a")).system == "used"


def test_prune_leaves_all_when_a_manifest_is_damaged(store: Store) -> None:
    make(store, "bad")
    store.manifests.path(Name.parse("bad")).write_bytes(b'{"schemaVersion":2,')
    orphan = store.blobs.path(store.blobs.add(b"orphan").digest)
    age(orphan, 7200)
    assert store.start(prune=True) is None
    assert orphan.exists()
    assert store.list() == {}
    for operation in (store.load, store.delete):
        with pytest.raises(DamagedManifest, match="unexpected EOF"):
            operation(Name.parse("bad"))


def test_old_names_of_blobs_are_mended(store: Store) -> None:
    old = store.blobs.folder / ("sha256:" + "a" * 64)
    old.write_bytes(b"x")
    store.start(prune=False)
    assert store.blobs.has("sha256:" + "a" * 64)


def test_a_digest_with_a_dash_counts_as_used(store: Store) -> None:
    """Ollama prunes such a blob although a model uses it; here it stays."""
    manifest = make(store, "a", system="dash")
    data = manifest.encode().replace(b"sha256:", b"sha256-")
    store.manifests.write(Name.parse("a"), data)
    for path in store.blobs.folder.iterdir():
        age(path, 7200)
    assert store.start(prune=True) == Pruned(total=2, removed=0)
    assert store.load(Name.parse("a")).system == "dash"


def test_a_link_to_nothing_breaks_no_other_model(store: Store) -> None:
    """Ollama fails every list and show then."""
    make(store, "a")
    link = store.root / "manifests/registry.ollama.ai/library/bad/latest"
    link.parent.mkdir()
    link.symlink_to("nowhere")
    assert [name.short for name in store.list()] == ["a:latest"]
    with pytest.raises(ModelNotFound):
        store.load(Name.parse("bad"))


def test_what_is_missing_or_damaged_is_told(store: Store) -> None:
    manifest = make(store, "a", system="s")
    assert manifest.config is not None
    config = store.blobs.path(manifest.config.digest)
    config.write_bytes(b"{{{")
    with pytest.raises(StoreError, match=r"invalid character '\{' looking for beginning"):
        store.load(Name.parse("a"))
    config.unlink()
    with pytest.raises(ModelNotFound):
        store.load(Name.parse("a"))
    bad = Manifest(None, (Layer.of("system", "sha256:zz", 1),))
    store.manifests.write(Name.parse("a"), bad.encode())
    with pytest.raises(StoreError, match="invalid digest format"):
        store.load(Name.parse("a"))


@pytest.mark.parametrize(
    "data", [b"[]", b'{"layers":{}}', b'{"layers":[1]}', b'{"config":{"size":"x"}}', b"", b"null x"]
)
def test_odd_manifests_are_read_or_refused(data: bytes) -> None:
    try:
        manifest = Manifest.decode(data)
    except DamagedManifest:
        return
    assert manifest.layers == ()


def test_writers_take_turns(store: Store) -> None:
    order: list[str] = []
    entered = threading.Event()

    def second() -> None:
        other = Store(store.root)
        entered.set()
        with other.lock():
            order.append("second")

    with store.lock():
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait()
        time.sleep(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
