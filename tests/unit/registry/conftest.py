"""Transfers in this process, with short waits, and a scripted registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

from ollamars.registry.keys import Keys
from ollamars.registry.timing import Timing
from ollamars.registry.transfers import Transfers
from ollamars.store.names import Name
from ollamars.store.store import Store
from tests.scripted_registry import Registry

FAST = Timing(tick=0.01, retries=(0.01,) * 3, locate=0.3, stall=0.3, checkpoint=0.02, lock=0.01)


@dataclass
class Site:
    """A store, its transfers, and the events of the last one."""

    store: Store
    home: Path
    transfers: Transfers
    events: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def at(cls, folder: Path, nursery: trio.Nursery, timing: Timing = FAST) -> Site:
        store = Store(folder / "models")
        store.start(prune=False)
        Keys(str(folder)).make()
        transfers = Transfers(store, nursery, home=str(folder), timing=timing)
        return cls(store, folder, transfers)

    async def pull(self, name: str) -> list[str]:
        """The status lines."""
        self.events.clear()
        wanted = self.store.resolve(Name.parse(name))
        await self.transfers.pull(wanted, insecure=True, emit=self.keep)
        return self.lines

    async def push(self, name: str) -> list[str]:
        self.events.clear()
        wanted = self.store.resolve(Name.parse(name))
        await self.transfers.push(wanted, insecure=True, emit=self.keep)
        return self.lines

    def keep(self, event: Any) -> None:
        self.events.append(dict(event))

    @property
    def lines(self) -> list[str]:
        """The events that are lines of text."""
        return [event["status"] for event in self.events if "digest" not in event]

    @property
    def files(self) -> list[str]:
        """All files of the store."""
        root = self.store.root
        return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


@pytest.fixture
def site(tmp_path: Path, nursery: trio.Nursery) -> Site:
    return Site.at(tmp_path, nursery)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 1,000 bytes at least."""
    monkeypatch.setattr("ollamars.store.parts.MIN_PART", 1000)
