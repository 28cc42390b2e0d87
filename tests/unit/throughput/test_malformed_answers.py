"""A few hundred malformed answers of a server; ten thousand are under ``make faults``."""

import pytest

from tests.support.throughput_malformed import check_malformed_answers


def test_malformed_answers_end_in_time_with_a_cause(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_malformed_answers(500, caplog, monkeypatch)
