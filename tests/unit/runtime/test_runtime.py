"""Loading, sharing, keeping, evicting and queueing, with an engine that has no model."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio

from ollamars.config import Config
from ollamars.durations import FOREVER, MILLISECOND, MINUTE
from ollamars.errors import Busy, ModelError, NotFound
from ollamars.runtime.loaded import LoadedModel
from ollamars.runtime.options import Options
from ollamars.runtime.runtime import Runtime
from ollamars.runtime.settings import Settings
from ollamars.store.models import StoredModel
from ollamars.store.names import Name
from tests.scripted_engine import Loads

pytestmark = pytest.mark.trio


class World:
    """A runtime, the loads it made, and models to load."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.loads = Loads()
        self.runtime = Runtime(Config.from_env(env), load=self.loads)

    def model(self, name: str) -> StoredModel:
        path = self.folder / name.split(":")[0]
        path.touch()
        return StoredModel(Name.parse(name), "", 0, 0, model_path=path)

    async def acquire(
        self,
        name: str,
        on_end: ExitStack,
        keep_alive: int | None = None,
        num_ctx: int = 100,
        shift: bool = True,
    ) -> LoadedModel:
        model = self.model(name)
        settings = Settings.of(model, Options(num_ctx=num_ctx), shift=shift, trained=0)
        return await self.runtime.acquire(model, settings, keep_alive=keep_alive, on_end=on_end)

    async def use(self, name: str, keep_alive: int | None = None, num_ctx: int = 100) -> None:
        with ExitStack() as on_end:
            await self.acquire(name, on_end, keep_alive, num_ctx)

    def names(self) -> set[str]:
        return {loaded.model.name.model for loaded in self.runtime.models()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {})


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(world.runtime.run)
        yield
        nursery.cancel_scope.cancel()
    assert world.loads.alive == 0


async def settled(condition: object) -> None:
    """Wait until a condition holds."""
    assert callable(condition)
    with trio.fail_after(3):
        while not condition():  # noqa: ASYNC110 - nothing tells when it is
            await trio.sleep(0.002)


async def test_a_loaded_model_is_shared_by_all_names_of_its_weights(world: World) -> None:
    async with running(world):
        await world.use("a:one")
        await world.use("a:two")
        assert world.loads.paths == [str(world.folder / "a")]
        assert [loaded.model.name.short for loaded in world.runtime.models()] == ["a:one"]


async def test_requests_during_a_load_share_it(world: World) -> None:
    world.loads.load_time = 0.1
    async with running(world), trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(world.use, "a")
        await trio.sleep(0.05)
        assert world.runtime.models() == []
    assert len(world.loads.paths) == 1


async def test_keep_alive_of_the_last_request_that_had_one_counts(world: World) -> None:
    async with running(world):
        await world.use("a", keep_alive=20 * MINUTE)
        [loaded] = world.runtime.models()
        assert loaded.expires_at == pytest.approx(time.time_ns() + 20 * MINUTE, abs=10**9)
        await world.use("a")
        assert loaded.keep_alive == 20 * MINUTE
        await world.use("a", keep_alive=FOREVER)
        assert loaded.expires_at > time.time_ns() + 10**18
        await world.use("a", keep_alive=0)
        await settled(lambda: not world.names())
        await world.use("a")
        assert world.runtime.models()[0].keep_alive == 5 * MINUTE
        assert len(world.loads.paths) == 2


async def test_the_time_starts_when_the_last_request_ends(world: World) -> None:
    async with running(world):
        with ExitStack() as first:
            await world.acquire("a", first, keep_alive=30 * MILLISECOND)
            await trio.sleep(0.08)
            assert world.names() == {"a"}
            await world.use("a")
            await trio.sleep(0.05)
            assert world.names() == {"a"}
        await world.use("a")
        await trio.sleep(0.01)
        assert world.names() == {"a"}
        await settled(lambda: not world.names())
        await settled(lambda: world.loads.alive == 0)


async def test_unload_waits_for_running_requests(world: World) -> None:
    async with running(world):
        with ExitStack() as on_end:
            await world.acquire("a", on_end)
            await world.runtime.unload(world.model("a"))
            assert world.names() == {"a"}
            assert world.runtime.models()[0].expires_at <= time.time_ns()
        await settled(lambda: not world.names())
        await world.use("a")
        await world.runtime.unload(world.model("a"))
        assert not world.names()
        await world.runtime.unload(world.model("a"))


@pytest.mark.parametrize(
    ("change", "reloads"),
    [
        ({"num_ctx": 50}, 1),
        ({"num_batch": 7}, 1),
        ({"num_thread": 1}, 1),
        ({"num_gpu": 1}, 1),
        ({"num_gpu": -3}, 0),
        ({"main_gpu": 0}, 1),
        ({"use_mmap": False}, 1),
        ({"draft_num_predict": 9}, 1),
        ({"temperature": 0.1, "stop": ["x"], "num_predict": 3, "num_keep": 9}, 0),
    ],
)
async def test_what_forces_a_reload(world: World, change: dict[str, object], reloads: int) -> None:
    async with running(world):
        for values in ({}, change, change):
            model = world.model("a")
            options = Options(num_ctx=100).with_map(values)
            settings = Settings.of(model, options, shift=True, trained=0)
            with ExitStack() as on_end:
                await world.runtime.acquire(model, settings, keep_alive=None, on_end=on_end)
        assert len(world.loads.paths) == 1 + reloads
        assert world.loads.alive == 1


async def test_the_context_is_bounded(world: World) -> None:
    model = world.model("a")
    for wanted, trained, expected in ((1, 0, 4), (100_000, 8192, 8192), (100, 8192, 100)):
        options = Options(num_ctx=wanted)
        assert Settings.of(model, options, shift=True, trained=trained).num_ctx == expected


async def test_a_change_of_shift_reloads_after_running_requests(world: World) -> None:
    async with running(world), trio.open_nursery() as nursery:
        with ExitStack() as first:
            await world.acquire("a", first)

            async def other() -> None:
                with ExitStack() as on_end:
                    await world.acquire("a", on_end, shift=False)

            nursery.start_soon(other)
            await trio.sleep(0.03)
            assert len(world.loads.paths) == 1
        await settled(lambda: len(world.loads.paths) == 2)
        await settled(lambda: world.loads.alive == 1)


async def test_eviction_takes_the_shortest_keep_alive(tmp_path: Path) -> None:
    world = World(tmp_path, {"OLLAMA_MAX_LOADED_MODELS": "2"})
    async with running(world):
        await world.use("a", 10 * MINUTE)
        await world.use("b", 5 * MINUTE)
        await world.use("c", 20 * MINUTE)
        assert world.names() == {"a", "c"}
        await world.use("b", 30 * MINUTE)
        assert world.names() == {"b", "c"}
        await world.use("a", FOREVER)
        assert world.names() == {"a", "b"}
        await world.use("c", MINUTE)
        assert world.names() == {"a", "c"}
        assert world.loads.alive == 2


async def test_a_model_that_is_to_go_takes_no_new_requests(tmp_path: Path) -> None:
    world = World(tmp_path, {"OLLAMA_MAX_LOADED_MODELS": "1"})
    order: list[str] = []

    async def use(name: str) -> None:
        with ExitStack() as on_end:
            await world.acquire(name, on_end)
            order.append(name)

    async with running(world):
        with ExitStack() as first:
            await world.acquire("a", first)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(use, "b")
                await trio.sleep(0.02)
                nursery.start_soon(use, "a")
                await trio.sleep(0.02)
                assert order == []
                first.close()
        assert order == ["b", "a"]


async def test_a_model_stays_when_who_waits_for_its_place_leaves(tmp_path: Path) -> None:
    world = World(tmp_path, {"OLLAMA_MAX_LOADED_MODELS": "1"})

    async def give_up(scope: trio.CancelScope) -> None:
        with scope:
            await world.use("b")

    async with running(world), trio.open_nursery() as nursery:
        scope = trio.CancelScope()
        with ExitStack() as first:
            await world.acquire("a", first, keep_alive=40 * MILLISECOND)
            nursery.start_soon(give_up, scope)
            await trio.sleep(0.02)
            assert world.runtime.models()[0].retiring
            scope.cancel()
            await trio.sleep(0.005)
            assert not world.runtime.models()[0].retiring
        await world.use("a")
        assert world.names() == {"a"}
        await settled(lambda: not world.names())
    assert world.loads.paths == [str(tmp_path / "a")]


async def test_a_full_queue_refuses_at_once(tmp_path: Path) -> None:
    world = World(tmp_path, {"OLLAMA_MAX_QUEUE": "1"})
    world.loads.load_time = 0.05
    async with running(world), trio.open_nursery() as nursery:
        nursery.start_soon(world.use, "a")
        await trio.sleep(0.01)
        nursery.start_soon(world.use, "b")
        await trio.sleep(0.01)
        with pytest.raises(Busy, match=r"please try again\.  maximum pending"):
            await world.use("c")
    assert len(world.loads.paths) == 2


async def test_a_loaded_model_does_not_queue(world: World) -> None:
    async with running(world), trio.open_nursery() as nursery:
        await world.use("a")
        world.loads.load_time = 0.2
        nursery.start_soon(world.use, "b")
        await trio.sleep(0.02)
        with trio.fail_after(0.1):
            await world.use("a")


async def test_who_leaves_the_queue_causes_no_load(world: World) -> None:
    world.loads.load_time = 0.05
    async with running(world), trio.open_nursery() as nursery:
        nursery.start_soon(world.use, "a")
        await trio.sleep(0.01)
        with trio.move_on_after(0.01):
            await world.use("b")
        await world.use("c")
    assert [Path(path).name for path in world.loads.paths] == ["a", "c"]


async def test_who_leaves_during_a_load_ends_it(world: World) -> None:
    world.loads.load_time = 0.1
    async with running(world):
        with trio.move_on_after(0.02):
            await world.use("a")
        await trio.sleep(0.02)
        assert not world.names()
        await settled(lambda: len(world.loads.engines) == 1)
        await settled(lambda: world.loads.alive == 0)
        await world.use("a")
        assert world.names() == {"a"}


async def test_a_load_goes_on_for_others_that_wait(world: World) -> None:
    world.loads.load_time = 0.1
    async with running(world), trio.open_nursery() as nursery:

        async def impatient() -> None:
            with trio.move_on_after(0.03):
                await world.use("a")

        nursery.start_soon(impatient)
        await trio.sleep(0.01)
        nursery.start_soon(world.use, "a")
    assert len(world.loads.paths) == 1


@pytest.mark.parametrize("failure", [OSError, MemoryError, OverflowError, RuntimeError])
async def test_a_failed_load_leaves_nothing(world: World, failure: type[Exception]) -> None:
    async with running(world):
        world.loads.failure = failure("it is too bad")
        with pytest.raises(ModelError, match="it is too bad"):
            await world.use("a")
        world.loads.failure = None
        await world.use("a")
        model = world.model("gone")
        (world.folder / "gone").unlink()
        settings = Settings.of(model, Options(), shift=True, trained=0)
        with pytest.raises(NotFound, match='model "gone:latest" not found, try pulling it first'):
            await world.runtime.acquire(model, settings, keep_alive=None, on_end=ExitStack())


async def test_a_load_that_takes_too_long(tmp_path: Path) -> None:
    world = World(tmp_path, {"OLLAMA_LOAD_TIMEOUT": "20ms"})
    world.loads.load_time = 0.1
    async with running(world):
        with pytest.raises(ModelError, match="timed out"):
            await world.use("a")
        await settled(lambda: len(world.loads.engines) == 1)
        await settled(lambda: world.loads.alive == 0)


async def test_a_broken_engine_is_replaced(world: World) -> None:
    async with running(world):
        with ExitStack() as on_end:
            loaded = await world.acquire("a", on_end)
            world.loads.engines[0].broken = True
            stream = loaded.bridge.open([1], {})
            with pytest.raises(Exception, match="error was encountered while running the model"):
                async for _ in stream.batches():
                    pass
        await world.use("a")
        assert len(world.loads.paths) == 2
