"""A ledger on each database it has to work on."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.hq.ledger import Ledger
from tests.support.hq_postgres import fresh_database, postgres_cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[str | None]:
    """The DSN of a private cluster; None where PostgreSQL is not installed."""
    with postgres_cluster() as dsn:
        yield dsn


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(
    request: pytest.FixtureRequest, postgres: str | None, tmp_path: Path
) -> Iterator[str]:
    """Where a ledger can be made."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    if postgres is None:
        pytest.skip("PostgreSQL is not installed")
    with fresh_database(postgres, f"t{uuid.uuid4().hex}") as dsn:
        yield dsn


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """An empty ledger."""
    one = Ledger.create(ledger_url, "hq.test/log/0")
    yield one
    one.close()
