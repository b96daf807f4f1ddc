"""What a server needs for its pulls and pushes."""

from __future__ import annotations

import trio

from ollamars.registry.account import Account
from ollamars.registry.client import make_client
from ollamars.registry.downloads import Downloads
from ollamars.registry.keys import Keys
from ollamars.registry.progress import Emit
from ollamars.registry.pull import Pull
from ollamars.registry.push import Push
from ollamars.registry.session import Session
from ollamars.registry.timing import Timing
from ollamars.registry.urls import Repository
from ollamars.store.names import Name
from ollamars.store.store import Store


class Transfers:
    """Pulls and pushes of one server. Making it reads certificates, which takes some 20 ms."""

    def __init__(
        self,
        store: Store,
        nursery: trio.Nursery,
        *,
        home: str,
        keep_unused: bool = False,
        timing: Timing | None = None,
    ) -> None:
        """Downloads live in `nursery`; the user's key pair is below `home`.

        `keep_unused`: a pull leaves the blobs that only the model's former version uses.
        """
        self._store = store
        self._keep_unused = keep_unused
        self._timing = timing or Timing()
        self._keys = Keys(home)
        self._client = make_client(self._timing)
        self.account = Account(self._keys, self._client)
        """The user's account."""
        self._downloads = Downloads(store.blobs, nursery, self._timing)

    async def pull(self, name: Name, *, insecure: bool, emit: Emit) -> None:
        """Bring a model, whose name is in the store's spelling; `insecure`: over http.

        `emit` receives the progress on Trio's thread. Raises `OllamarsError`.
        """
        repository = Repository.of(name, insecure=insecure)
        await Pull(
            store=self._store,
            downloads=self._downloads,
            session=self._session(repository),
            repository=repository,
            name=name,
            keep_unused=self._keep_unused,
            emit=emit,
        ).run()

    async def push(self, name: Name, *, insecure: bool, emit: Emit) -> None:
        """Send a model, whose name is in the store's spelling; `insecure`: over http.

        `emit` receives the progress on Trio's thread. Raises `OllamarsError`.
        """
        repository = Repository.of(name, insecure=insecure)
        await Push(self._store, self._session(repository), repository, name, emit).run()

    def _session(self, repository: Repository) -> Session:
        return Session(self._client, self._keys, repository.base, self._timing)
