"""Pulling from a registry that behaves, and from one that does not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import trio

from ollamars.errors import OllamarsError
from ollamars.registry.transfers import Transfers
from ollamars.store.names import Name
from ollamars.store.partials import PartialBlob
from tests.scripted_registry import (
    ALWAYS,
    Act,
    Fault,
    Registry,
    answer,
    cut,
    digest_of,
    drop,
    flip,
    ignore_range,
    slow,
    stall,
    truncate,
)
from tests.unit.registry.conftest import FAST, Site

WEIGHTS = random.Random(1).randbytes(20_000)
BLOB = digest_of(WEIGHTS)
FILE = "blobs/" + BLOB.replace(":", "-")
CDN = f"/cdn/{BLOB}"
ALL = ["pulling manifest", "verifying sha256 digest", "writing manifest", "success"]


@pytest.fixture
def model(registry: Registry) -> str:
    """The name of a model that the registry has."""
    registry.add("ns/m:tag", WEIGHTS, b"sys")
    return f"{registry.host}/ns/m:tag"


async def test_a_pull_brings_all_that_is_missing(
    site: Site, registry: Registry, model: str
) -> None:
    assert await site.pull(model) == ALL
    path = f"manifests/{registry.host}/ns/m/tag"
    assert path in site.files
    assert (site.store.root / path).read_bytes() == registry.manifests["ns/m:tag"]
    assert site.store.load(Name.parse(model)).system == "sys"
    assert len(site.files) == 4
    asked = len(registry.seen)
    assert await site.pull(model) == ALL
    assert registry.lines()[asked:] == ["GET /v2/ns/m/manifests/tag"]
    told = [event for event in site.events if "digest" in event]
    assert [event["completed"] for event in told] == [event["total"] for event in told]
    assert told[0]["status"] == f"pulling {BLOB[7:19]}"


async def test_a_new_version_removes_what_only_the_old_one_used(
    site: Site, registry: Registry, model: str
) -> None:
    await site.pull(model)
    registry.add("ns/m:tag", WEIGHTS, b"new")
    assert await site.pull(model) == [*ALL[:3], "removing unused layers", "success"]
    assert site.store.load(Name.parse(model)).system == "new"
    assert len(site.files) == 4


async def test_a_blob_that_is_removed_meanwhile_is_brought_again(
    site: Site, registry: Registry, model: str
) -> None:
    await site.pull(model)
    real = site.keep

    def keep(event: dict[str, object]) -> None:
        real(event)
        if event == {"status": "writing manifest"} and site.lines.count("writing manifest") == 1:
            site.store.blobs.remove(BLOB)

    site.keep = keep  # type: ignore[method-assign]
    await site.pull(model)
    assert site.lines.count("writing manifest") == 2
    assert FILE in site.files


async def test_parts_are_brought_side_by_side(
    site: Site, registry: Registry, model: str, small_parts: None
) -> None:
    await site.pull(model)
    ranges = [text for text in registry.ranges() if text.startswith("bytes=")]
    assert "bytes=0-1249" in ranges
    assert "bytes=18750-19999" in ranges
    assert len(ranges) == 16 + 2


@pytest.mark.parametrize("token", ["", "SECRET"])
async def test_content_at_the_registry_itself(tmp_path: Path, token: str) -> None:
    async with trio.open_nursery() as nursery:
        site = Site.at(tmp_path, nursery)
        with Registry(elsewhere=False, token=token) as registry:
            registry.add("ns/m:tag", WEIGHTS, b"sys")
            assert await site.pull(f"{registry.host}/ns/m:tag") == ALL


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_every_redirect_leads_to_the_content(
    site: Site, registry: Registry, model: str, status: int
) -> None:
    registry.token = "SECRET"
    place = answer(status, headers={"Location": "{other}" + CDN})
    registry.faults = [Fault("GET", f"/v2/.*/{BLOB}", place, ALWAYS, after=0)]
    registry.faults[0].takes = lambda seen: (  # type: ignore[method-assign]
        seen.method == "GET"
        and seen.path.endswith(f"/blobs/{BLOB}")
        and seen.headers.get("Authorization") is not None
    )
    assert await site.pull(model) == ALL
    elsewhere = [seen for seen in registry.seen if seen.path == CDN]
    assert elsewhere
    assert all("Authorization" not in seen.headers for seen in elsewhere)


async def test_a_token_stays_with_the_registry_when_a_manifest_is_elsewhere(
    site: Site, registry: Registry, model: str
) -> None:
    registry.token = "SECRET"
    manifest = registry.manifests["ns/m:tag"].decode()
    registry.faults = [
        Fault("GET", "/manifests/", answer(307, headers={"Location": "{other}/x"}), after=1),
        Fault("GET", "^/x$", answer(200, manifest)),
    ]
    assert await site.pull(model) == ALL
    [moved] = [seen for seen in registry.seen if seen.path == "/x"]
    assert "Authorization" not in moved.headers


@pytest.mark.parametrize(
    "act",
    [drop, cut(700), truncate(500), answer(500, "oops"), answer(404, "x" * 30_000), stall(9, 9)],
    ids=["drop", "cut", "truncate", "500", "404", "stall"],
)
async def test_a_fault_that_passes_is_got_over(
    site: Site, registry: Registry, model: str, act: Act
) -> None:
    registry.faults = [Fault("GET", CDN, act)]
    assert await site.pull(model) == ALL
    assert (site.store.root / FILE).read_bytes() == WEIGHTS


async def test_what_came_before_a_cut_is_kept(site: Site, registry: Registry, model: str) -> None:
    registry.faults = [Fault("GET", CDN, cut(700))]
    await site.pull(model)
    assert registry.ranges()[:2] == ["bytes=0-19999", "bytes=700-19999"]


async def test_the_whole_blob_in_answer_to_the_rest_of_it(
    site: Site, registry: Registry, model: str
) -> None:
    registry.faults = [Fault("GET", CDN, cut(700)), Fault("GET", CDN, ignore_range)]
    assert await site.pull(model) == ALL


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (drop, "max retries exceeded: Get .*: EOF"),
        (truncate(500), "max retries exceeded: EOF"),
        (answer(403, "no"), "max retries exceeded: http status 403 Forbidden"),
    ],
)
async def test_a_fault_that_stays_ends_the_pull(
    site: Site, registry: Registry, model: str, act: Act, message: str
) -> None:
    registry.faults = [Fault("GET", CDN, act, ALWAYS)]
    with pytest.raises(OllamarsError, match=message):
        await site.pull(model)
    assert f"{FILE}-partial-0" in site.files
    assert not any(name.startswith("manifests/") for name in site.files)
    registry.faults = []
    assert await site.pull(model) == ALL


async def test_a_server_without_ranges_is_no_source_of_parts(
    site: Site, registry: Registry, model: str, small_parts: None
) -> None:
    registry.faults = [Fault("GET", CDN, ignore_range, ALWAYS)]
    with pytest.raises(OllamarsError, match="max retries exceeded: http status 200 OK"):
        await site.pull(model)


async def test_a_place_that_has_expired_is_asked_for_again(
    site: Site, registry: Registry, model: str
) -> None:
    registry.faults = [Fault("GET", CDN, answer(403, "expired"))]
    assert await site.pull(model) == ALL
    assert registry.lines(f"/v2/ns/m/blobs/{BLOB}").count(f"GET /v2/ns/m/blobs/{BLOB}") == 2


async def test_a_blob_that_cannot_be_located(site: Site, registry: Registry, model: str) -> None:
    registry.faults = [Fault("GET", f"/blobs/{BLOB}", answer(503), ALWAYS)]
    with pytest.raises(OllamarsError, match=r"^context deadline exceeded$"):
        await site.pull(model)


async def test_wrong_content_is_removed_and_told(
    site: Site, registry: Registry, model: str
) -> None:
    registry.faults = [Fault("GET", CDN, flip)]
    with pytest.raises(OllamarsError, match=f"digest mismatch, .*: want {BLOB}, got sha256:"):
        await site.pull(model)
    assert site.lines == ALL[:2]
    assert not any(BLOB[7:] in name for name in site.files)
    assert len(site.files) == 2
    assert await site.pull(model) == ALL


@pytest.mark.parametrize("status", [403, 404, 429, 500])
async def test_a_blob_that_is_refused(
    site: Site, registry: Registry, model: str, status: int
) -> None:
    system = digest_of(b"sys")
    registry.faults = [Fault("HEAD", system, answer(status), ALWAYS)]
    message = "file does not exist" if status == 404 else f"{status}: "
    with pytest.raises(OllamarsError, match=message):
        await site.pull(model)
    assert site.files == [FILE]  # the one before it is there, checked


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (b"", "unexpected end of JSON input"),
        (b"{} x", "invalid character 'x' after top-level value"),
        (b"[]", "cannot unmarshal array"),
        (b"{}", "it has no layers"),
        (b'{"manifests": [{"digest": "sha256:1"}]}', "it has no layers"),
        (b'{"layers": [{"digest": ""}]}', "ns/m: digest is empty"),
        (b'{"layers": [{"digest": "sha256:../../x"}]}', "invalid digest format"),
        (b'{"layers": [{"size": 1e400}]}', "pull model manifest"),
        (b'{"x": "' + b"x" * (5 << 20) + b'"}', "answers with more than 4194304 bytes"),
        (b"[" * 200_000, "exceeded max depth"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(len(value)),
)
async def test_a_manifest_that_is_none(
    site: Site, registry: Registry, model: str, manifest: bytes, message: str
) -> None:
    registry.manifests["ns/m:tag"] = manifest
    with pytest.raises(OllamarsError, match=message):
        await site.pull(model)
    assert site.files == []


async def test_a_model_for_another_runtime_is_refused(
    site: Site, registry: Registry, model: str
) -> None:
    registry.add("ns/m:tag", WEIGHTS, kinds=("tensor",))
    with pytest.raises(OllamarsError, match="MLX"):
        await site.pull(model)


async def test_an_error_shows_the_beginning_of_a_long_text(
    site: Site, registry: Registry, model: str
) -> None:
    registry.faults = [Fault("GET", "/manifests/", answer(500, "x" * 10**6))]
    with pytest.raises(OllamarsError, match=r"^pull model manifest: 500: x+$") as caught:
        await site.pull(model)
    assert len(caught.value.message) < 20_000


async def test_a_blob_larger_than_the_disk_is_refused(
    site: Site, registry: Registry, model: str
) -> None:
    registry.faults = [Fault("HEAD", BLOB, answer(200, headers={"Content-Length": str(10**17)}))]
    with pytest.raises(OllamarsError, match=f"no space left on device: {10**17} bytes needed"):
        await site.pull(model)
    assert site.files == []


async def test_a_disk_that_becomes_full_ends_the_pull(
    site: Site, registry: Registry, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ollamars.store.partials.os.pwrite", full)
    with pytest.raises(OllamarsError, match=r"write .*-partial.*: no space left on device"):
        await site.pull(model)
    monkeypatch.undo()
    assert await site.pull(model) == ALL


async def test_a_cancelled_pull_goes_on_where_it_was(
    site: Site, registry: Registry, model: str
) -> None:
    registry.faults = [Fault("GET", CDN, slow(10_000))]
    with trio.move_on_after(0.5):
        await site.pull(model)
    await trio.sleep(0.1)
    state = json.loads((site.store.root / f"{FILE}-partial-0").read_bytes())
    assert 0 < state["Completed"] < len(WEIGHTS)
    assert FILE not in site.files
    assert any(event.get("completed", 0) > 0 for event in site.events)
    asked = len(registry.seen)
    assert await site.pull(model) == ALL
    assert f"HEAD /v2/ns/m/blobs/{BLOB}" not in registry.lines()[asked:]
    assert registry.ranges()[1] == f"bytes={state['Completed']}-19999"


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"[1]",
        b'{"N":0,"Offset":0,"Size":30000,"Completed":0}',
        b'{"N":1,"Offset":0,"Size":20000,"Completed":0}',
        b'{"N":0,"Offset":0,"Size":20000,"Completed":20001}',
    ],
)
async def test_a_damaged_state_starts_over(
    site: Site, registry: Registry, model: str, state: bytes
) -> None:
    (site.store.blobs.folder / f"{FILE[6:]}-partial").write_bytes(b"?" * len(WEIGHTS))
    (site.store.root / f"{FILE}-partial-0").write_bytes(state)
    assert await site.pull(model) == ALL


async def test_a_state_of_another_length_is_given_up(
    site: Site, registry: Registry, model: str
) -> None:
    (site.store.blobs.folder / f"{FILE[6:]}-partial").write_bytes(b"?" * 21_000)
    state = b'{"N":0,"Offset":0,"Size":21000,"Completed":20000}'
    (site.store.root / f"{FILE}-partial-0").write_bytes(state)
    registry.faults = [Fault("GET", CDN, answer(416))]
    with pytest.raises(OllamarsError, match="is shorter than 21000 bytes"):
        await site.pull(model)
    assert await site.pull(model) == ALL


async def test_two_pulls_share_a_download(site: Site, registry: Registry, model: str) -> None:
    registry.manifests["ns/m:two"] = registry.manifests["ns/m:tag"]
    registry.faults = [Fault("GET", CDN, slow(40_000), ALWAYS)]
    done: list[str] = []

    async def pull(name: str) -> None:
        wanted = Name.parse(name)
        await site.transfers.pull(wanted, insecure=True, emit=lambda event: None)
        done.append(name)

    async with trio.open_nursery() as nursery:
        first = trio.CancelScope()

        async def first_pull() -> None:
            with first:
                await pull(model)

        nursery.start_soon(first_pull)
        await trio.sleep(0.1)
        nursery.start_soon(pull, model.replace(":tag", ":two"))
        await trio.sleep(0.1)
        first.cancel()  # the second still wants it
    assert done == [model.replace(":tag", ":two")]
    assert registry.lines("/cdn").count(f"GET {CDN}") == 1


async def test_another_process_is_waited_for(site: Site, registry: Registry, model: str) -> None:
    other = PartialBlob.open(site.store.blobs, BLOB)
    assert other is not None
    other.begin(len(WEIGHTS))
    other.write(other.parts[0], WEIGHTS[:5000])
    other.save(other.parts[0])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.pull, model)
        await trio.sleep(0.2)
        assert registry.lines("blobs") == []
        assert site.events[-1]["completed"] == 5000
        other.close()
    assert site.lines == ALL
    assert registry.ranges()[0] == "bytes=5000-19999"


async def test_two_servers_on_one_store(
    site: Site, registry: Registry, model: str, nursery: trio.Nursery
) -> None:
    second = Transfers(site.store, nursery, home=str(site.home), timing=FAST)
    registry.faults = [Fault("GET", CDN, slow(40_000), ALWAYS)]
    async with trio.open_nursery() as both:
        both.start_soon(site.pull, model)

        async def other() -> None:
            await second.pull(Name.parse(model), insecure=True, emit=lambda event: None)

        both.start_soon(other)
    assert registry.lines("/cdn").count(f"GET {CDN}") == 1
    assert len(site.files) == 4


async def test_without_insecure_nothing_is_asked_in_the_clear(
    site: Site, registry: Registry, model: str
) -> None:
    with pytest.raises(
        OllamarsError, match=r'^pull model manifest: Get "https://.*tls: first record does not'
    ):
        await site.transfers.pull(Name.parse(model), insecure=False, emit=site.keep)
    assert registry.lines() == []


async def test_a_registry_that_is_not_there(site: Site) -> None:
    with pytest.raises(OllamarsError, match=r"dial tcp 127.0.0.1:1: connect: connection refused"):
        await site.pull("127.0.0.1:1/ns/m")
    with pytest.raises(OllamarsError, match='parse "http://a:b/v2'):
        await site.pull("a:b/ns/m")
