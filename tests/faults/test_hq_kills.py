"""The long campaigns: hundreds of kills of HQ under clients that go on trying."""

from pathlib import Path

import pytest

from tests.support.hq_kills import kill_campaign
from tests.support.hq_server import make_home
from tests.support.s3_storage import s3_storage


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_a_thousand_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    campaign = kill_campaign(make_home(tmp_path / "hq"), kills=1000, seed=5)
    print(campaign)  # noqa: T201 - the figure of the campaign
    assert campaign.replays > 0


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_kills_lose_and_double_nothing_in_a_bucket(tmp_path: Path) -> None:
    with s3_storage() as storage:
        home = make_home(
            tmp_path / "hq",
            raw=f"s3://{storage.new_bucket()}/raw",
            s3_endpoint_url=storage.endpoint_url,
        )
        campaign = kill_campaign(home, kills=200, seed=6)
    print(campaign)  # noqa: T201 - the figure of the campaign
    assert campaign.replays > 0
