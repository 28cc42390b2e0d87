"""Results in one line: what the network did is not mixed up with what we did."""

import pytest

from fieldsurvey.cli.talk import result_line
from fieldsurvey.model.throughput import Cause
from tests.support.drive_values import a_failed_test


@pytest.mark.parametrize(
    ("cause", "id_"),
    [
        (Cause.TIMED_OUT, "cli.result_failed"),
        (Cause.CAPTIVE_PORTAL, "cli.result_failed"),
        (Cause.ENGINE, "cli.result_spoiled"),
        (Cause.SERVER_BUSY, "cli.result_spoiled"),
    ],
)
def test_only_the_network_makes_no_service(cause: Cause, id_: str) -> None:
    assert result_line(a_failed_test(cause)).id == id_
