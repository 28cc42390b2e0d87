"""Ten thousand malformed answers of a server."""

import pytest

from tests.support.throughput_malformed import check_malformed_answers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


def test_ten_thousand_malformed_answers(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_malformed_answers(10_000, caplog, monkeypatch)
