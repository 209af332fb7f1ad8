"""A console over two projects, asked without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from fastapi import FastAPI

from client_async.console.app import make_app
from client_async.console.board import Board
from client_async.console.books import Books
from client_async.console.guard import Guard
from client_async.console.now import Watch
from client_async.ledger import open_store
from starsend.clock import SystemClock
from starsend.config import load_settings
from tests.contract.test_execution_store import QUOTE, intent
from tests.unit.daemon_house import DaemonHouse

TOKEN = "a-token-of-some-length"
BEARER = {"authorization": f"Bearer {TOKEN}"}


class Office:
    """A console over two projects, one with a paid call under way; asked without a network."""

    def __init__(self, house: DaemonHouse, host: str = "127.0.0.1") -> None:
        self.place = house.project("spring", "SEQ01", "SEQ02", budget={"project": "2", "day": "1"})
        self.idle = house.project("autumn", "OPEN")
        self.board = Board(house.root)
        self.seconds = 0.0
        self.books = Books(monotonic=lambda: self.seconds)
        self.watch = Watch(self.board, self.books, fresh_seconds=0.0)
        self.stopping = anyio.Event()
        guard = Guard(TOKEN, host, () if host == "127.0.0.1" else ("testserver",))
        self.app: FastAPI = make_app(self.board, guard, self.stopping, self.watch)
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8620")

    def begin(self, key: str = "a", shot: str = "SEQ01_grid") -> None:
        """A call that is about to be sent."""
        place = self.place
        with open_store(place, load_settings(place.root, place.folder), SystemClock()) as store:
            store.intend(intent(key, shot), QUOTE, QUOTE)


@pytest.fixture
async def office(house: DaemonHouse) -> AsyncIterator[Office]:
    made = Office(house)
    made.begin()
    await made.board.look()
    async with made.client:
        yield made
