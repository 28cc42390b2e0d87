"""The long campaign: a thousand kills of HQ under clients that go on trying."""

from pathlib import Path

import pytest

from tests.support.hq_kills import kill_campaign
from tests.support.hq_server import make_home


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_a_thousand_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    campaign = kill_campaign(make_home(tmp_path / "hq"), kills=1000, seed=5)
    print(campaign)  # noqa: T201 - the figure of the campaign
    assert campaign.replays > 0
