"""Ten thousand malformed answers of a server: no hang, no crash, a cause each time."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.throughput_malformed import ANSWERS, Answer, MalformedServer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


def test_ten_thousand_malformed_answers(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    malformed = MalformedServer(caplog, monkeypatch)

    @settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ANSWERS)
    def check(answer: Answer) -> None:
        malformed.check(answer)

    with malformed.server:
        check()
    assert len(malformed.causes) >= 4, malformed.causes
