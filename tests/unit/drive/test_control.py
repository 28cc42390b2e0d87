"""A drive in its own thread: what is left when it cannot begin."""

import threading
from pathlib import Path

import pytest

from fieldsurvey.drive.config import DriveConfig
from fieldsurvey.drive.control import DriveControl
from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.store_thread import StoreThread
from tests.support.drive_testing import HeldClock


def test_a_drive_that_cannot_begin_lets_go_of_its_survey(tmp_path: Path) -> None:
    survey_path = tmp_path / "a.fsurvey"
    config = DriveConfig(survey_path, SurveyPlan("nowhere"), "gpsd://127.0.0.1:9", HeldClock())
    before = threading.active_count()
    with pytest.raises(KnownError) as refused:
        DriveControl(config)
    assert refused.value.message.id == "link.bad_server_url"
    assert threading.active_count() == before
    StoreThread(survey_path).close()  # "in use" would be said of a file nobody uses
