"""`survey check` sees every change of what was sealed, and of what was signed for it."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.store import driver
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.outbox import DEVICE, NOW_UTC_US, acknowledge, receipt_for, seal_rest
from tests.support.store_values import a_drive, a_sample


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two epochs of four batches each; 0 to 2 acknowledged, 0 durable and dropped."""
    path = tmp_path / "a.fsurvey"
    with SurveyFile.create(path) as survey:
        survey.begin_drive(a_drive("d1"))
        survey.append("d1", samples=[a_sample(n) for n in range(11)])
        outbox = Outbox(survey)
        batches = seal_rest(outbox, max_rows=3)
        for batch in batches[:3]:
            acknowledge(outbox, batch)
        outbox.mark_durable(batches[0].epoch, 0, NOW_UTC_US)
        outbox.drop_contents(NOW_UTC_US + 1)
        survey.append("d1", samples=[a_sample(n) for n in range(11, 23)])
        outbox.open_epoch("ab" * 8, DEVICE, NOW_UTC_US, "conflict")
        seal_rest(outbox, max_rows=3)
        assert survey.check() == []
    return path


@pytest.fixture
def forger(path: Path) -> Iterator[driver.Connection]:
    """A hand that goes around triggers, references and checks."""
    connection = driver.connect(path, "mode=rw")
    for pragma in ("foreign_keys=OFF", "ignore_check_constraints=ON"):
        connection.execute(f"PRAGMA {pragma}")
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    yield connection
    connection.close()


_DELETE_BATCH = (
    "DELETE FROM delivery WHERE first_seq = {0};"
    "DELETE FROM batch_content WHERE first_seq = {0};"
    "DELETE FROM receipt WHERE first_seq = {0};"
    "DELETE FROM batch WHERE first_seq = {0}"
)
FORGERIES = {
    "UPDATE batch_content SET content = substr(content, 1, 400) WHERE first_seq = 7": "batches",
    "UPDATE batch_content SET content = (SELECT content FROM batch_content WHERE first_seq = 7)"
    " WHERE first_seq = 10": "batches",
    "UPDATE batch SET sha256 = header_sha256 WHERE first_seq = 7": "batches",
    "UPDATE batch SET header_sha256 = sha256 WHERE first_seq = 1": "batches",  # seen by the next
    "UPDATE batch SET sha256 = header_sha256 WHERE first_seq = 1": "receipts",
    "UPDATE batch SET bytes = bytes + 1 WHERE first_seq = 7": "batches",
    "UPDATE batch SET created_utc_us = 1 WHERE first_seq = 7": "batches",
    "UPDATE batch SET rows = 2 WHERE first_seq = 7": "batches",
    "UPDATE batch SET last_seq = 5, rows = 2 WHERE first_seq = 4": "tiling",
    "UPDATE batch SET batch_no = 17 WHERE first_seq = 10": "tiling",
    "UPDATE epoch SET first_seq = 17": "tiling",
    "UPDATE epoch SET epoch = 'cd' || substr(epoch, 3)": "tiling",
    "UPDATE epoch SET device = upper(device)": "batches",
    "UPDATE survey SET last_seq = 20": "tiling",
    _DELETE_BATCH.format(4): "tiling",
    _DELETE_BATCH.format(13): "tiling",
    "DELETE FROM delivery WHERE first_seq = 22": "deliveries",
    "DELETE FROM batch_content WHERE first_seq = 4": "deliveries",  # not durable
    "DELETE FROM receipt WHERE first_seq = 4": "deliveries",
    "UPDATE delivery SET state = 'acknowledged' WHERE first_seq = 10": "deliveries",
    "UPDATE receipt SET receipt = (SELECT receipt FROM receipt WHERE first_seq = 7)"
    " WHERE first_seq = 4": "receipts",
    "UPDATE receipt SET receipt = replace(receipt, '4f1c2d3e', '5f1c2d3e')": "receipts",
    "UPDATE receipt SET receipt = '{}' WHERE first_seq = 1": "receipts",
    "UPDATE receipt SET first_seq = 10 WHERE first_seq = 1": "receipts",
}


@pytest.mark.parametrize(("statements", "finding"), FORGERIES.items())
def test_what_was_changed_by_hand_is_reported(
    path: Path, forger: driver.Connection, statements: str, finding: str
) -> None:
    for statement in statements.split(";"):
        forger.execute(statement)
    with SurveyFile(path, driver.connect(path, "mode=ro"), None) as survey:
        assert f"store.check_{finding}" in {message.id for message in survey.check()}


def test_another_survey_s_batches_are_not_ours(path: Path, forger: driver.Connection) -> None:
    forger.execute("UPDATE survey SET survey_id = lower(hex(randomblob(16)))")
    with SurveyFile(path, driver.connect(path, "mode=ro"), None) as survey:
        assert [message.id for message in survey.check()] == ["store.check_batches"]


def test_no_bit_of_a_sealed_batch_can_flip_unseen(path: Path, forger: driver.Connection) -> None:
    chance = random.Random(4_711)
    contents = dict(forger.execute("SELECT first_seq, content FROM batch_content").fetchall())
    with SurveyFile(path, driver.connect(path, "mode=ro"), None) as survey:
        for first_seq in chance.choices(sorted(contents), k=60):
            damaged = bytearray(contents[first_seq])
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            change = "UPDATE batch_content SET content = ? WHERE first_seq = ?"
            forger.execute(change, (bytes(damaged), first_seq))
            (finding,) = survey.check()
            assert finding.id == "store.check_batches"
            forger.execute(change, (contents[first_seq], first_seq))
        assert survey.check() == []


def test_two_receipts_for_one_batch_are_fine(path: Path) -> None:
    with SurveyFile.open(path) as survey:
        outbox = Outbox(survey)
        batch = outbox.waiting(1)[0]
        for log_index in (5, 2):
            outbox.acknowledge(batch, receipt_for(outbox, batch, log_index), NOW_UTC_US)
        assert survey.check() == []
        assert outbox.progress().acknowledged_batches == 4
