"""A few hundred malformed answers of a server; ten thousand are under ``make faults``."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.throughput_malformed import ANSWERS, Answer, MalformedServer


def test_malformed_answers_end_in_time_with_a_cause(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    malformed = MalformedServer(caplog, monkeypatch)

    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ANSWERS)
    def check(answer: Answer) -> None:
        malformed.check(answer)

    with malformed.server:
        check()
    assert len(malformed.causes) >= 4, malformed.causes
