"""No flipped bit goes by unseen: refused, reported, or provably without effect."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store import driver
from fieldsurvey.store.migrations import DERIVED_TABLES, RAW_TABLES
from fieldsurvey.store.outbox_tables import OUTBOX_TABLES
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.store.writing import column_names
from tests.support.store_values import (
    START_UTC_US,
    a_drive,
    a_fix,
    a_sample,
    a_watched_test,
    an_event,
)

FLIPS = 150


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.fsurvey"
    with SurveyFile.create(path) as survey:
        survey.begin_drive(a_drive("d1"))
        for n in range(40):
            survey.append(
                "d1",
                fixes=[a_fix(n), a_fix(n + 0.5)],
                samples=[a_sample(n)],
                tests=[a_watched_test(n)] if n % 4 == 0 else [],
                events=[an_event(n)] if n % 8 == 0 else [],
            )
        survey.end_drive("d1", START_UTC_US)
    return path


def dump(survey: SurveyFile) -> list[object]:
    """Everything the file gives back."""
    return [
        *survey.drives(),
        *survey.samples(),
        *survey.events(),
        *survey.tests(),
        *survey.fixes_between(0, 2**62),
        survey.summary(),
    ]


def test_a_flipped_bit_is_seen_or_without_effect(path: Path) -> None:
    original = path.read_bytes()
    with SurveyFile.open(path, read_only=True) as survey:
        expected = dump(survey)
    chance = random.Random(4_711)
    refused = reported = 0
    for flip in range(FLIPS):
        damaged = bytearray(original)
        # Every third in the first page, which says what all the others are.
        size = 4_096 if flip % 3 == 0 else len(original)
        damaged[chance.randrange(size)] ^= 1 << chance.randrange(8)
        copy = path.with_name(f"flip{flip}.fsurvey")
        copy.write_bytes(damaged)
        survey, notice = SurveyFile.open_or_beside(copy)
        if notice is not None:
            survey.close()
            assert copy.read_bytes() == damaged
            refused += 1
            continue
        with survey:
            if survey.check():
                reported += 1
            else:
                assert dump(survey) == expected
    assert refused > 10
    assert reported > 10


@pytest.fixture
def forger(path: Path) -> Iterator[driver.Connection]:
    """A hand that goes around triggers and references."""
    connection = driver.connect(path, "mode=rw")
    connection.execute("PRAGMA foreign_keys=OFF")
    for table in RAW_TABLES:
        connection.execute(f"DROP TRIGGER {table}_no_update")
        connection.execute(f"DROP TRIGGER {table}_no_delete")
    yield connection
    connection.close()


FORGERIES = {
    "UPDATE sample SET reachable = 0, cause = 'dns' WHERE mono_us = 3000000": "store.check_changed",
    "UPDATE fix SET fix_latitude_deg = 43.1 WHERE fix_mono_us = 3000000": "store.check_changed",
    "UPDATE phase SET payload_bytes = payload_bytes * 2 WHERE position = 2": "store.check_changed",
    "UPDATE estimate SET rate_bps = 250000000": "store.check_changed",
    "UPDATE judgement SET verdict = 'below'": "store.check_changed",
    "UPDATE test_place SET chainage_m = 0": "store.check_changed",
    "UPDATE sample_place SET settlement_name = NULL": "store.check_changed",
    "UPDATE test SET operator = 'another'": "store.check_changed",
    "UPDATE test SET limits = '[]'": "store.check_changed",
    "UPDATE test SET link = NULL, operator = NULL, access_type = NULL, tls = NULL,"
    " pace_bps = NULL": "store.check_changed",
    "UPDATE phase SET tcp_server = NULL": "store.check_changed",
    "UPDATE drive SET replayed = 1": "store.check_changed",
    "DELETE FROM sample WHERE mono_us = 3000000": "store.check_numbering",
    "DELETE FROM drive_end": "store.check_numbering",
    "DELETE FROM phase WHERE position = 0": "store.check_changed",
    "DELETE FROM test": "store.check_orphan",
    "UPDATE survey SET last_seq = 9999": "store.check_numbering",
}


@pytest.mark.parametrize(("statement", "finding"), FORGERIES.items())
def test_what_was_changed_by_hand_is_reported(
    path: Path, forger: driver.Connection, statement: str, finding: str
) -> None:
    forger.execute(statement)
    connection = driver.connect(path, "mode=ro")
    survey = SurveyFile(path, connection, None)
    with survey:
        assert finding in {message.id for message in survey.check()}


def test_a_word_nobody_knows_is_damage(path: Path, forger: driver.Connection) -> None:
    forger.execute("UPDATE sample SET reachable = 0, cause = 'tjmed_out' WHERE mono_us = 3000000")
    forger.execute("UPDATE test SET outcome = 'compmeted'")
    with SurveyFile(path, driver.connect(path, "mode=ro"), None) as survey:
        for read in (lambda: list(survey.samples()), lambda: list(survey.tests()), survey.summary):
            with pytest.raises(KnownError) as caught:
                read()
            assert caught.value.message.id == "store.damaged"


def test_without_its_triggers_a_file_is_damaged(path: Path, forger: driver.Connection) -> None:
    forger.close()
    with pytest.raises(KnownError) as caught:
        SurveyFile.open(path)
    assert caught.value.message.id == "store.damaged"


def test_every_table_is_checked(path: Path) -> None:
    """Each column is part of a row key, but for the number and the key itself. (What checks the
    outbox's tables: test_outbox_check.py.)"""
    with SurveyFile.open(path) as survey:
        tables = {
            name
            for (name,) in survey.connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        }
        assert tables == {
            *(*RAW_TABLES, *DERIVED_TABLES, *OUTBOX_TABLES),
            *("survey", "_sqlite_migrations"),
        }
        for table in (*RAW_TABLES, *DERIVED_TABLES):
            stored = {
                name
                for (name,) in survey.connection.execute(
                    "SELECT name FROM pragma_table_info(?)", (table,)
                )
            }
            named = {name.strip('"') for name in column_names(table)}
            assert stored - named <= {"seq", "row_key"}, table
