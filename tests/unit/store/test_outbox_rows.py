"""Every kind of row comes out as it was recorded, or as text that says it is not what it was."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fieldsurvey.model.drive import Drive
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import Cause, Outcome, ThroughputTest
from fieldsurvey.store import driver
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.outbox_rows import PAGE_ROWS
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.wire.rows import DriveEnd, Recorded, RefusedRow, Row
from tests.support.outbox import seal_rest, sealed_rows
from tests.support.store_values import (
    START_UTC_US,
    S,
    a_drive,
    a_fix,
    a_sample,
    a_spoiled_test,
    a_test,
    a_watched_test,
    an_event,
)

TESTS = [
    a_watched_test(3),
    a_test(8, start_place=None),
    a_spoiled_test(9, Outcome.FAILED, Cause.DNS),
]
LOST = dataclasses.replace(a_sample(2, Cause.TIMED_OUT), fix=None, fix_age_us=None, radio=None)
SAMPLES = [a_sample(1), LOST, a_sample(3)]


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[SurveyFile]:
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        survey.begin_drive(a_drive("d1"))
        survey.begin_drive(a_drive("d2"))
        for index, (sample, test) in enumerate(zip(SAMPLES, TESTS, strict=True)):
            survey.append(
                "d1" if index else "d2",
                fixes=[a_fix(index)],
                samples=[sample],
                events=[an_event(index)],
                tests=[test],
            )
        survey.append("d1", fixes=[dataclasses.replace(a_fix(70), latitude_deg=91.0)])
        survey.end_drive("d1", START_UTC_US + 100 * S)
        yield survey


def unsealed(survey: SurveyFile) -> list[Row]:
    return Outbox(survey).unsealed(10_000)


def of_kind(rows: list[Row], kind: type[Recorded]) -> list[Recorded]:
    return [row.value for row in rows if isinstance(row.value, kind)]


def test_every_kind_of_row_comes_as_it_was_recorded(survey: SurveyFile) -> None:
    rows = unsealed(survey)
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert of_kind(rows, Drive) == [a_drive("d1"), a_drive("d2")]
    assert of_kind(rows, Fix) == [a_fix(index) for index in range(3)]
    assert of_kind(rows, ThroughputTest) == TESTS
    samples = of_kind(rows, type(LOST))
    assert samples == [dataclasses.replace(sample, place=None) for sample in SAMPLES]
    assert of_kind(rows, type(an_event(0))) == [an_event(index) for index in range(3)]
    assert of_kind(rows, DriveEnd) == [DriveEnd(START_UTC_US + 100 * S)]
    (refused,) = of_kind(rows, RefusedRow)
    assert refused.kind == "Fix"
    assert "latitude_deg=91.0" in refused.content
    drives = [row.drive_id for row in rows]
    assert drives == ["d1", "d2", *["d2"] * 4, *["d1"] * 8, "d1", "d1"]


def test_and_as_it_was_recorded_it_is_sealed(survey: SurveyFile) -> None:
    rows = unsealed(survey)
    seal_rest(Outbox(survey))
    assert sealed_rows(survey) == rows


@pytest.mark.parametrize("limit", [0, 1, 7, 16, 99])
def test_no_more_than_asked_for(survey: SurveyFile, limit: int) -> None:
    assert [row.seq for row in Outbox(survey).unsealed(limit)] == list(range(1, min(limit, 16) + 1))


def test_pages_join_without_a_seam(tmp_path: Path) -> None:
    count = 2 * PAGE_ROWS + 5
    with SurveyFile.create(tmp_path / "long.fsurvey") as survey:
        survey.begin_drive(a_drive("d1"))
        survey.append("d1", fixes=[a_fix(n) for n in range(count - 1)])
        rows = Outbox(survey).unsealed(count)
    assert [row.seq for row in rows] == list(range(1, count + 1))
    assert rows[-1].value == a_fix(count - 2)


def test_reading_leaves_no_cursor_open(survey: SurveyFile) -> None:
    unsealed(survey)
    busy, _, _ = survey.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0


@pytest.fixture
def forged(survey: SurveyFile) -> Callable[..., None]:
    """A hand that goes around triggers and references."""
    connection = survey.connection
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("PRAGMA ignore_check_constraints=ON")
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")

    def forge(statement: str, *arguments: object) -> None:
        connection.execute(statement, arguments)

    return forge


CHANGED = {
    "UPDATE fix SET fix_latitude_deg = fix_latitude_deg + 0.1": ("Fix", 3),
    "UPDATE sample SET reachable = 1 WHERE cause = 'timed_out'": ("Sample", 1),
    "UPDATE event SET mono_us = mono_us + 1": ("Event", 3),
    "UPDATE event SET message = 'not json' WHERE mono_us = 0": ("Event", 1),
    "UPDATE drive SET replayed = 1 WHERE drive_id = 'd1'": ("Drive", 1),
    "UPDATE drive_end SET ended_utc_us = 7": ("DriveEnd", 1),
    "UPDATE test SET operator = 'another' WHERE link = 'left'": ("ThroughputTest", 1),
    "UPDATE phase SET payload_bytes = payload_bytes + 1": ("ThroughputTest", 2),
    "DELETE FROM phase WHERE position = 0": ("ThroughputTest", 2),
    "UPDATE estimate SET rate_bps = 250000000": ("ThroughputTest", 2),
    "UPDATE judgement SET verdict = 'below'": ("ThroughputTest", 2),
    "UPDATE test_place SET chainage_m = 1": ("ThroughputTest", 1),
    "UPDATE refused SET kind = 'Sample'": ("RefusedRow", 1),
    "UPDATE sample SET cause = CAST(x'ff41' AS TEXT) WHERE cause NOT NULL": ("Sample", 1),
}


@pytest.mark.parametrize(("statement", "found"), CHANGED.items())
def test_a_changed_row_goes_as_text_and_holds_up_nothing(
    survey: SurveyFile, forged: Callable[..., None], statement: str, found: tuple[str, int]
) -> None:
    before = unsealed(survey)
    forged(statement)
    after = unsealed(survey)
    assert len(after) == len(before)
    kind, count = found
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == count
    for row in changed:
        assert isinstance(row.value, RefusedRow)
        assert row.value.kind == kind
        assert "changed since it was recorded" in row.value.reason
        assert row.value.content.startswith("{'")
    seal_rest(Outbox(survey))
    assert sealed_rows(survey) == after


def test_a_word_of_a_later_program_goes_as_text(
    survey: SurveyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables take words that this program does not know; the row is as it was recorded."""
    monkeypatch.setattr("fieldsurvey.store.rows.text", lambda value: value and "jammed")
    survey.append("d1", samples=[a_sample(50, Cause.DNS)])
    monkeypatch.undo()
    *_, row = unsealed(survey)
    assert isinstance(row.value, RefusedRow)
    assert row.value.kind == "Sample"
    assert "not understood" in row.value.reason
    assert "'cause': 'jammed'" in row.value.content
    assert [finding.id for finding in survey.check()] == ["store.check_refused"]  # another row


@pytest.mark.parametrize("table", ["drive", "fix", "sample", "event", "test", "drive_end"])
def test_nothing_is_sealed_across_a_missing_row(
    survey: SurveyFile, forged: Callable[..., None], table: str
) -> None:
    rows = unsealed(survey)
    (seq,) = survey.connection.execute(f"SELECT max(seq) FROM {table}").fetchone()
    forged(f"DELETE FROM {table} WHERE seq = ?", seq)
    outbox = Outbox(survey)
    assert outbox.unsealed(10_000) == rows[: seq - 1]
    with pytest.raises(KnownError) as caught:
        seal_rest(outbox)
    assert caught.value.message.id == "store.missing_row"
    assert caught.value.message.args["seq"] == seq
    assert sealed_rows(survey) == rows[: seq - 1]
    assert outbox.progress().sealed_rows == seq - 1


def test_nor_across_a_number_that_is_there_twice(
    survey: SurveyFile, forged: Callable[..., None]
) -> None:
    (seq,) = survey.connection.execute("SELECT min(seq) FROM sample").fetchone()
    forged("UPDATE fix SET seq = ? WHERE seq = (SELECT max(seq) FROM fix)", seq)
    assert [row.seq for row in unsealed(survey)] == list(range(1, seq))


def test_a_damaged_page_is_told_as_damage(survey: SurveyFile) -> None:
    path = survey.path
    survey.append("d1", fixes=[a_fix(n) for n in range(100, 400)])
    (page,) = survey.connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'sample'"
    ).fetchone()
    survey.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with (
        SurveyFile(path, driver.connect(path, "mode=ro"), None) as damaged,
        pytest.raises(KnownError) as caught,
    ):
        unsealed(damaged)
    assert caught.value.message.id == "store.damaged"
