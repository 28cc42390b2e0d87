"""One real HQ for all tests here that need no HQ of their own."""

from collections.abc import Iterator

import pytest

from tests.support.hq_server import Server, make_home, running


@pytest.fixture(scope="session")
def hq_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running HQ; others have left in it what they left."""
    with running(make_home(tmp_path_factory.mktemp("hq") / "hq"), "--no-merge") as one:
        yield one
