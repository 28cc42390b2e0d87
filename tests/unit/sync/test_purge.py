"""Nothing goes that HQ could still lose, nor before the disk needs it; rows never."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.purge import (
    DAY_S,
    PurgePolicy,
    drop_before_utc_us,
    free_bytes_of,
    purge,
)
from tests.support.outbox import NOW_UTC_US, acknowledge, seal_rest
from tests.support.store_values import a_drive, a_sample

DAY_US = DAY_S * 1_000_000
SHORT = 10_000_000


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[SurveyFile]:
    """Five batches: 0 to 3 acknowledged, 0 to 2 durable since now."""
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        survey.begin_drive(a_drive("d1"))
        survey.append("d1", samples=[a_sample(n) for n in range(9)])
        outbox = Outbox(survey)
        batches = seal_rest(outbox, max_rows=2)
        for batch in batches[:4]:
            acknowledge(outbox, batch)
        outbox.mark_durable(batches[0].epoch, 2, NOW_UTC_US)
        yield survey


def left(survey: SurveyFile) -> list[int]:
    sql = "SELECT batch_no FROM batch_content JOIN batch USING (first_seq) ORDER BY 1"
    return [batch_no for (batch_no,) in survey.connection.execute(sql)]


@pytest.mark.parametrize(
    ("days", "free_bytes", "dropped"),
    [
        (29.9, SHORT, 0),
        (30.1, SHORT, 3),
        (30.1, 2 * 1024**3, 0),
        (3_000, 2 * 1024**3 - 1, 3),
        (-400, 0, 0),  # a clock that went back
    ],
)
def test_what_goes_and_when(survey: SurveyFile, days: float, free_bytes: int, dropped: int) -> None:
    now_utc_us = NOW_UTC_US + int(days * DAY_US)
    assert purge(survey, now_utc_us, free_bytes=lambda _: free_bytes) == dropped
    assert left(survey) == list(range(dropped, 5))
    assert survey.summary().samples == 9
    assert survey.check() == []


def test_the_policy_says_when() -> None:
    policy = PurgePolicy(retention_s=60, enough_free_bytes=1_000)
    assert drop_before_utc_us(policy, 1_000, 70_000_000) is None
    assert drop_before_utc_us(policy, 999, 70_000_000) == 10_000_000


def test_the_disk_is_really_asked(survey: SurveyFile) -> None:
    free = free_bytes_of(survey.path)
    assert free > 0
    later = NOW_UTC_US + 31 * DAY_US
    assert purge(survey, later, PurgePolicy(enough_free_bytes=0)) == 0
    assert purge(survey, later, PurgePolicy(enough_free_bytes=free * 1_000)) == 3
