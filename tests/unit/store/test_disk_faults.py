"""Full disks and killed recorders: nothing acknowledged is lost, nothing is there twice."""

import contextlib
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.store_kill import kill_campaign
from tests.support.store_mounts import tiny_disk
from tests.support.store_values import a_drive, a_sample, a_test


def test_disk_full_then_freed(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", 1_024) as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(300_000))
        with SurveyFile.create(disk / "a.fsurvey") as survey:
            survey.begin_drive(a_drive("d1"))
            number, failed = 0, None
            while failed is None:
                rows = {"samples": [a_sample(number)], "tests": [a_test(number)]}
                try:
                    survey.append("d1", **rows)
                    number += 1
                except KnownError as error:
                    failed = error
            assert failed.message.id == "store.disk_full"
            assert not survey.connection.in_transaction
            assert number > 5
            assert survey.summary().samples == survey.summary().tally.tests == number
            with pytest.raises(KnownError):  # still full
                survey.append("d1", **rows)
            ballast.unlink()
            survey.append("d1", **rows)
            survey.append("d1", **rows)
            assert list(survey.samples()) == [a_sample(n) for n in range(number + 1)]
            assert len({test.test_id for test in survey.tests()}) == number + 1
            assert survey.check() == []
        with SurveyFile.open(disk / "a.fsurvey") as survey:
            assert survey.summary().tally.tests == number + 1
            assert survey.check() == []


@pytest.mark.parametrize("size_kib", [64, 300])  # the latter holds a new file's log alone
def test_disk_full_from_the_start(tmp_path: Path, size_kib: int) -> None:
    with tiny_disk(tmp_path / "disk", size_kib) as disk:
        with pytest.raises(KnownError) as caught:
            SurveyFile.open_or_beside(disk / "a.fsurvey")
        assert caught.value.message.id == "store.disk_full"
        assert list(disk.iterdir()) == []


def test_closing_on_a_full_disk_keeps_the_log(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", 1_024) as disk:
        survey = SurveyFile.create(disk / "a.fsurvey")
        survey.begin_drive(a_drive("d1"))
        samples = [a_sample(n) for n in range(400)]
        survey.append("d1", samples=samples)
        ballast = disk / "ballast"
        fill(ballast)
        survey.close()
        ballast.unlink()
        with SurveyFile.open(disk / "a.fsurvey") as survey:
            assert list(survey.samples()) == samples
            assert survey.check() == []


def fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4_096)):
            pass


def test_killed_recorder(tmp_path: Path) -> None:
    campaign = kill_campaign(tmp_path / "a.fsurvey", kills=10, seed=20)
    assert campaign.acknowledged >= 10


@pytest.mark.faults
@pytest.mark.parametrize("part", range(20))
def test_killed_recorder_many_times(tmp_path: Path, part: int) -> None:
    """500 kills in all, on files that stay small enough to be read whole after each."""
    campaign = kill_campaign(tmp_path / "a.fsurvey", kills=25, seed=1_000 + part)
    print(campaign)  # noqa: T201 - the figure is the result
    assert campaign.acknowledged >= 25
