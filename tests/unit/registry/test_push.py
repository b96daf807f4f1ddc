"""Pushing to a registry that behaves, and to one that does not."""

from __future__ import annotations

import hashlib
import random
from urllib.parse import parse_qs

import pytest

from ollamars.errors import OllamarsError
from ollamars.store.manifests import CONFIG_TYPE, Layer, Manifest
from ollamars.store.names import Name
from tests.scripted_registry import ALWAYS, Fault, Registry, answer, digest_of, drop
from tests.unit.registry.conftest import Site

WEIGHTS = random.Random(2).randbytes(20_000)
BLOB = digest_of(WEIGHTS)
ALL = ["retrieving manifest", "pushing manifest", "success"]
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="{base}/token",service="s",scope="c"'}


def store(site: Site, name: str, *, source: str = "") -> Manifest:
    """Put a model into the store."""
    blobs = site.store.blobs
    parts = [("model", WEIGHTS), ("system", b"sys"), ("license", b"")]
    layers = [Layer.of(kind, blobs.add(data).digest, len(data)) for kind, data in parts]
    if source:
        layers[0] = Layer.of("model", BLOB, len(WEIGHTS), source=source)
    config = Layer(CONFIG_TYPE, blobs.add(b"{}").digest, 2)
    manifest = Manifest(config, tuple(layers))
    site.store.manifests.write(Name.parse(name), manifest.encode())
    return manifest


@pytest.fixture
def model(site: Site, registry: Registry) -> str:
    """The name of a model that the store has and the registry lacks."""
    name = f"{registry.host}/ns/m:tag"
    store(site, name)
    return name


async def test_a_push_sends_what_is_missing(site: Site, registry: Registry, model: str) -> None:
    assert await site.push(model) == ALL
    assert registry.blobs[BLOB] == WEIGHTS
    stored = (site.store.root / f"manifests/{registry.host}/ns/m/tag").read_bytes()
    assert registry.manifests["ns/m:tag"] == stored.removesuffix(b"\n")
    last = {event["digest"]: event for event in site.events if "digest" in event}
    assert last[BLOB] == {
        "status": f"pushing {BLOB[7:19]}",
        "digest": BLOB,
        "total": 20_000,
        "completed": 20_000,
    }
    assert len(last) == 4
    asked = len(registry.seen)
    assert await site.push(model) == ALL
    methods = [line.split()[0] for line in registry.lines()[asked:]]
    assert methods == ["HEAD"] * 4 + ["PUT"]


async def test_what_was_pushed_can_be_pulled(site: Site, registry: Registry, model: str) -> None:
    before = site.store.manifests.read(Name.parse(model))
    await site.push(model)
    site.store.delete(Name.parse(model))
    assert site.files == []
    assert await site.pull(model) == [
        "pulling manifest",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]
    assert site.store.manifests.read(Name.parse(model)).layers == before.layers


async def test_parts_follow_each_other(
    site: Site, registry: Registry, model: str, small_parts: None
) -> None:
    await site.push(model)
    sent = [seen for seen in registry.seen if seen.method == "PATCH"][:16]
    assert [seen.headers["Content-Range"] for seen in sent[:2]] == ["0-1249", "1250-2499"]
    assert sent[1].query == "_state=1250"
    assert b"".join(seen.body for seen in sent) == WEIGHTS
    sums = b"".join(hashlib.md5(seen.body).digest() for seen in sent)
    commit = next(seen for seen in registry.seen if seen.method == "PUT")
    fields = parse_qs(commit.query)
    assert fields["digest"] == [BLOB]
    assert fields["etag"] == [f"{hashlib.md5(sums).hexdigest()}-16"]


async def test_parts_that_are_wanted_elsewhere(
    site: Site, registry: Registry, model: str, small_parts: None
) -> None:
    registry.token = "SECRET"
    places = {
        "Location": "{other}/part",
        "Docker-Upload-Location": "{base}/v2/ns/m/blobs/uploads/0",
    }
    registry.faults = [
        Fault("PATCH", "/uploads/", answer(307, headers=places), ALWAYS, after=0),
        Fault("PUT", "^/part$", answer(200), ALWAYS),
        Fault("PUT", "/uploads/", answer(201), ALWAYS),
        Fault("PUT", "^/v2/.*/manifests/", answer(201)),
    ]
    assert await site.push(model) == ALL
    sent = [seen for seen in registry.seen if seen.path == "/part"]
    assert b"".join(sorted(seen.body for seen in sent[:16])) == b"".join(
        sorted(WEIGHTS[at : at + 1250] for at in range(0, 20_000, 1250))
    )
    assert all("Authorization" not in seen.headers for seen in sent)
    assert all("Content-Range" not in seen.headers for seen in sent)


@pytest.mark.parametrize("mounts", [True, False])
async def test_a_layer_of_another_model_is_taken_over(
    site: Site, registry: Registry, mounts: bool
) -> None:
    registry.mounts = mounts
    registry.blobs[BLOB] = WEIGHTS
    registry.faults = [Fault("HEAD", BLOB, answer(404), ALWAYS)]
    name = f"{registry.host}/ns/child:1"
    store(site, name, source=f"{registry.host}/ns/base:1")
    assert await site.push(name) == ALL
    [first, *_] = [seen for seen in registry.seen if seen.method == "POST"]
    assert parse_qs(first.query) == {"from": ["ns/base"], "mount": [BLOB]}
    assert (BLOB in {digest_of(data) for data in registry.uploads.values()}) != mounts


async def test_a_place_that_is_only_a_path(site: Site, registry: Registry, model: str) -> None:
    place = {"Location": "/v2/ns/m/blobs/uploads/0?_state=x"}
    registry.uploads["0"] = b""
    registry.faults = [Fault("POST", "/uploads/", answer(202, headers=place))]
    assert await site.push(model) == ALL


@pytest.mark.parametrize(
    "fault",
    [
        Fault("PATCH", "/uploads/", answer(500, "oops")),
        Fault("PATCH", "/uploads/", drop),
        Fault("PUT", "/uploads/", answer(500, "oops")),
        Fault("PATCH", "/uploads/", answer(401, "who?", CHALLENGE)),
        Fault("POST", "/uploads/", answer(401, "who?", CHALLENGE)),
    ],
    ids=lambda fault: f"{fault.method}-{fault.path}",
)
async def test_a_fault_that_passes_is_got_over(
    site: Site, registry: Registry, model: str, fault: Fault
) -> None:
    fault.met = 0
    registry.faults = [fault]
    assert await site.push(model) == ALL
    assert registry.blobs[BLOB] == WEIGHTS


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            Fault("PATCH", "/uploads/", answer(500, "oops"), ALWAYS),
            "^max retries exceeded: http status 500 Internal Server Error: oops$",
        ),
        (Fault("PUT", "/uploads/", answer(500, "c"), ALWAYS), "^500: c$"),
        (Fault("HEAD", "/blobs/", answer(403), ALWAYS), "^403: $"),
        (Fault("POST", "/uploads/", answer(404), ALWAYS), "^file does not exist$"),
        (Fault("POST", "/uploads/", answer(202), ALWAYS), "does not say where to upload to"),
        (Fault("PUT", "/manifests/", answer(429, "slow"), ALWAYS), "^429: slow$"),
        (Fault("HEAD", "/", answer(401, "", CHALLENGE), ALWAYS), "^unauthorized: access denied$"),
    ],
)
async def test_a_fault_that_stays_ends_the_push(
    site: Site, registry: Registry, model: str, fault: Fault, message: str
) -> None:
    registry.faults = [fault]
    with pytest.raises(OllamarsError, match=message):
        await site.push(model)
    assert "success" not in site.lines


async def test_what_is_not_in_the_store(site: Site, registry: Registry, model: str) -> None:
    with pytest.raises(OllamarsError, match=r"^open .*/manifests/.*: no such file or directory$"):
        await site.push(f"{registry.host}/ns/nosuch")
    assert site.lines == ["retrieving manifest", "couldn't retrieve manifest"]
    site.store.blobs.remove(BLOB)
    with pytest.raises(OllamarsError, match=r"^stat .*/blobs/sha256-.*: no such file"):
        await site.push(model)
    with pytest.raises(OllamarsError, match="unqualified name"):
        await site.transfers.push(Name.parse("bad name"), insecure=True, emit=site.keep)
