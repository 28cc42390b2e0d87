"""What a desk reads at once is what is stored; the seconds are compared in
``tests/unit/export/test_opening.py``."""

import dataclasses
from pathlib import Path

import pytest

from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.store import bulk, columns
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.store_values import (
    PLACE,
    a_drive,
    a_radio,
    a_sample,
    a_spoiled_test,
    a_test,
    a_watched_test,
)


def test_tests_come_in_pieces_as_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_PIECE_TESTS", 2)
    names = list(columns.TEST_COLUMNS)
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        for drive_id in ("d1", "d2"):
            survey.begin_drive(a_drive(drive_id))
        survey.append("d1", tests=[a_test(10), a_watched_test(20, Verdict.BELOW)])
        survey.append("d2", tests=[a_spoiled_test(30, Outcome.FAILED, Cause.NO_ROUTE)])
        survey.append("d1", tests=[dataclasses.replace(a_test(40), start_place=None)])
        survey.append("d2", tests=[a_test(50)])
        found = bulk.test_frame(survey, names)
        sql = f"{columns.select_tests(names)} ORDER BY t.seq"
        stored = list(zip(*survey.connection.execute(sql), strict=True))
    assert found["drive_index"].to_list() == [0, 0, 1, 0, 1]
    for name, values in zip(names, stored, strict=True):
        if name != "drive_index":
            assert found[name].to_list() == list(values), name


def test_no_tests(tmp_path: Path) -> None:
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        assert bulk.test_frame(survey, ["drive_index", "idle_latency_us"]).shape == (0, 2)


@pytest.mark.parametrize("without", [0, 150])
def test_words_with_quotation_marks_in_any_columns_after_any_seconds_without(
    tmp_path: Path, without: int
) -> None:
    said, back = 'ТОО "Кар-Тел"', "C:\\Арман\n"
    bare = dataclasses.replace(a_sample(0), fix=None, fix_age_us=None, radio=None, place=None)
    told = dataclasses.replace(
        a_sample(200),
        radio=dataclasses.replace(a_radio(200), operator_name=said),
        place=dataclasses.replace(PLACE, settlement_name=back),
    )
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        survey.begin_drive(a_drive("d1"))
        before = [
            dataclasses.replace(bare, utc_us=bare.utc_us + n, mono_us=n) for n in range(without)
        ]
        survey.append("d1", samples=[*before, told])
    rows = bulk.sample_frame(tmp_path / "a.fsurvey", list(columns.SAMPLE_COLUMNS), 10**9)
    assert rows["operator_name"].to_list() == [*[None] * without, said]
    assert rows["settlement_name"].to_list() == [*[None] * without, back]
    assert rows["rsrp_dbm"].to_list() == [*[None] * without, -98.5]
