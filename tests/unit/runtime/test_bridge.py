"""Events reach the requests that they belong to, and nothing is left of those that end."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import AsyncIterator

import pytest
import trio

from ollamars import _core
from ollamars.errors import BadRequest
from ollamars.runtime import bridge as bridge_module
from ollamars.runtime.bridge import Bridge, EngineFailure, RequestCanceled
from tests.scripted_engine import ScriptedEngine, ScriptedEvent

pytestmark = pytest.mark.trio


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    engine = ScriptedEngine()
    yield engine
    if not engine.closed:
        engine.close()


@pytest.fixture
async def bridge(engine: ScriptedEngine, nursery: trio.Nursery) -> Bridge:
    bridge = Bridge(engine)
    nursery.start_soon(bridge.run)
    return bridge


async def text_of(bridge: Bridge, tokens: int) -> str:
    stream = bridge.open([1], {"num_predict": tokens})
    text = ""
    async for events in stream.batches():
        text += "".join(event.text for event in events)
    return text


async def test_an_option_that_the_engine_refuses(
    engine: ScriptedEngine, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise _core.CoreError("option temperature must be finite")

    monkeypatch.setattr(engine, "submit", refuse)
    with pytest.raises(BadRequest, match="temperature"):
        bridge.open([1], {})
    assert not bridge._streams


async def test_many_streams_are_complete_and_in_order(bridge: Bridge) -> None:
    texts: list[str] = []

    async def read() -> None:
        texts.append(await text_of(bridge, 200))

    async with trio.open_nursery() as readers:
        for _ in range(64):
            readers.start_soon(read)
    assert texts == ["".join(f" t{number}" for number in range(200))] * 64
    assert not bridge._streams


async def test_streams_that_are_cut_leave_nothing(engine: ScriptedEngine, bridge: Bridge) -> None:
    async def cut() -> None:
        stream = bridge.open([1], {"num_predict": 10**9})
        seen = 0
        async for events in stream.batches():
            seen += len(events)
            if seen > 50:
                bridge.close(stream)
                bridge.close(stream)
                return

    async with trio.open_nursery() as readers:
        for _ in range(16):
            readers.start_soon(cut)
        assert await text_of(bridge, 3) == " t0 t1 t2"
    assert engine.active() == 0
    assert not bridge._streams


async def test_a_stream_that_is_not_read_is_given_up(
    engine: ScriptedEngine, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "MAX_UNREAD", 20)
    stream = bridge.open([1], {"num_predict": 10**9})
    with trio.fail_after(3):
        while engine.active():  # noqa: ASYNC110 - nothing tells when it is
            await trio.sleep(0.01)
        with pytest.raises(RequestCanceled, match="reads too slowly"):
            async for _ in stream.batches():
                pass


async def test_an_error_of_the_engine_ends_one_request(
    engine: ScriptedEngine, bridge: Bridge
) -> None:
    stream = bridge.open([1], {"num_predict": 10**9})
    with engine._lock:
        engine._emit(ScriptedEvent(stream.number, done="error", error="no more memory"))
    with pytest.raises(EngineFailure, match="running the model: no more memory"):
        async for _ in stream.batches():
            pass
    assert await text_of(bridge, 2) == " t0 t1"


async def test_stop_ends_what_is_left(engine: ScriptedEngine, bridge: Bridge) -> None:
    stream = bridge.open([1], {"num_predict": 10**9})
    await bridge.stop()
    with pytest.raises(RequestCanceled, match="request canceled"):
        async for _ in stream.batches():
            pass


async def test_no_wake_up_is_lost(engine: ScriptedEngine, bridge: Bridge) -> None:
    """Two threads push at random moments; every event arrives soon."""
    streams = [bridge.open([1], {"num_predict": 10**9}) for _ in range(2)]
    for stream in streams:
        engine.cancel(stream.number)  # the script is silent from here on
    with engine._lock:
        engine._events.clear()
    count = 3000

    def push(number: int) -> None:
        chance = random.Random(number)
        for index in range(count):
            with engine._lock:
                done = "stop" if index == count - 1 else None
                engine._emit(ScriptedEvent(number, str(index) + " ", done=done))
            if chance.random() < 0.02:
                time.sleep(chance.random() / 1000)

    threads = [threading.Thread(target=push, args=(stream.number,)) for stream in streams]
    for thread in threads:
        thread.start()
    with trio.fail_after(20):
        for stream in streams:
            text = ""
            async for events in stream.batches():
                text += "".join(event.text for event in events)
            assert text.split() == [str(index) for index in range(count)]
    for thread in threads:
        thread.join()
