"""Kill the sealing laptop at random moments: each row is sealed once and in order."""

import random
from pathlib import Path

import pytest

from tests.support.outbox_kill import kill_campaign

KILLS = 1_000


@pytest.mark.faults
def test_a_thousand_kills_while_sealing(tmp_path: Path) -> None:
    campaign = kill_campaign(tmp_path / "killed.fsurvey", KILLS, seed=random.randrange(2**32))
    assert campaign.batches > KILLS / 2
    print(  # noqa: T201 - the figure of the campaign
        f"{campaign.kills} kills: {campaign.rows} rows, {campaign.batches} batches, all once"
    )
