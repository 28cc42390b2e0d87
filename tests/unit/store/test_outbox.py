"""What was sealed waits until HQ has signed for it, and the file never says more than is true."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.store import driver
from fieldsurvey.store.outbox import BatchId, NextBatch, Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.wire.batch import NO_PREVIOUS, SealedBatch, seal
from fieldsurvey.wire.receipt import sign_receipt
from tests.support.outbox import (
    DEVICE,
    HQ_KEY,
    KEY,
    NOW_UTC_US,
    acknowledge,
    receipt_for,
    seal_one,
    seal_rest,
    sealed_rows,
)
from tests.support.store_values import START_UTC_US, S, a_drive, a_fix, a_sample, a_test

TOO_LARGE = message("store.io", path="a", detail="b")  # any message with arguments


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[SurveyFile]:
    """A file of ten rows: a drive, and nine seconds."""
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        survey.begin_drive(a_drive("d1"))
        survey.append("d1", samples=[a_sample(n) for n in range(9)])
        yield survey


@pytest.fixture
def outbox(survey: SurveyFile) -> Outbox:
    return Outbox(survey)


@pytest.fixture
def batches(outbox: Outbox) -> list[BatchId]:
    """All ten rows sealed, three to a batch."""
    return seal_rest(outbox, max_rows=3)


def test_before_anything_is_sealed(outbox: Outbox) -> None:
    progress = outbox.progress()
    assert (progress.recorded_rows, progress.sealed_rows, progress.batches) == (10, 0, 0)
    assert progress.oldest_unsent_utc_us == START_UTC_US
    assert outbox.epoch() is None
    assert outbox.waiting(4) == []
    assert outbox.receipts() == []
    with pytest.raises(ValueError, match="no epoch"):
        outbox.next_batch()


def test_nothing_recorded_nothing_unsent(tmp_path: Path) -> None:
    with SurveyFile.create(tmp_path / "empty.fsurvey") as survey:
        assert Outbox(survey).unsealed(10) == []
        assert Outbox(survey).progress().oldest_unsent_utc_us is None


def test_batches_go_on_where_the_last_ended(survey: SurveyFile, outbox: Outbox) -> None:
    first = seal_one(outbox, max_rows=4)
    assert [row.seq for row in outbox.unsealed(100)] == [5, 6, 7, 8, 9, 10]
    assert outbox.next_batch() == NextBatch(first.header.epoch, 1, 5, first.header_sha256)
    second = seal_one(outbox, max_rows=4)
    seal_rest(outbox)
    assert [row.value for row in sealed_rows(survey)[1:]] == [
        dataclasses.replace(a_sample(n), place=None) for n in range(9)
    ]
    assert outbox.content(BatchId(second.header.epoch, 1)) == second.content
    assert outbox.unsealed(100) == []


def test_an_epoch_begins_at_the_first_unsealed_row(survey: SurveyFile, outbox: Outbox) -> None:
    seal_one(outbox, max_rows=4)
    opened = outbox.open_epoch("ff" * 8, DEVICE, NOW_UTC_US, "conflict")
    assert outbox.epoch() == opened == outbox.epochs()[-1]
    assert opened.first_seq == 5
    assert outbox.next_batch() == NextBatch("ff" * 8, 0, 5, NO_PREVIOUS)
    seal_rest(outbox)
    assert len(sealed_rows(survey)) == 10
    with pytest.raises(ValueError, match="opened before"):
        outbox.open_epoch("ff" * 8, DEVICE, NOW_UTC_US, "again")


def altered(batch: SealedBatch, **changes: object) -> SealedBatch:
    return seal(dataclasses.replace(batch.header, **changes), batch.payload, KEY)


NOT_NEXT: dict[str, Callable[[SealedBatch], SealedBatch]] = {
    "the same again": lambda batch: altered(batch, batch_no=0, prev_sha256=NO_PREVIOUS),
    "a number left out": lambda batch: altered(batch, batch_no=2),
    "a row twice": lambda batch: altered(batch, first_seq=4, last_seq=6),
    "a row left out": lambda batch: altered(batch, first_seq=6, last_seq=8),
    "another chain": lambda batch: altered(batch, prev_sha256="ab" * 32),
    "another epoch": lambda batch: altered(batch, epoch="ab" * 8),
    "another device": lambda batch: altered(batch, device=DEVICE.replace("4", "5")),
    "another file": lambda batch: altered(batch, survey="0" * 32),
    "rows nobody recorded": lambda batch: altered(batch, last_seq=11, rows=7),
}


@pytest.mark.parametrize("change", NOT_NEXT.values(), ids=NOT_NEXT)
def test_only_the_next_batch_is_taken(
    survey: SurveyFile, outbox: Outbox, change: Callable[[SealedBatch], SealedBatch]
) -> None:
    seal_one(outbox, max_rows=4)
    good = seal_one(outbox, max_rows=3)  # rows 5 to 7
    forger = survey.connection
    for table in ("delivery", "batch_content", "batch"):
        forger.execute(f"DROP TRIGGER {table}_no_delete")
        forger.execute(f"DELETE FROM {table} WHERE first_seq = 5")
    before = outbox.progress()
    with pytest.raises(ValueError, match="not the next one"):
        outbox.add_sealed(change(good))
    assert outbox.progress() == before
    outbox.add_sealed(good)
    assert outbox.progress().sealed_rows == 7


def test_the_database_itself_takes_only_the_next_batch(
    survey: SurveyFile, outbox: Outbox, batches: list[BatchId]
) -> None:
    survey.append("d1", samples=[a_sample(n) for n in range(9, 12)])
    digest = "0" * 64
    epoch = batches[0].epoch
    for first_seq, last_seq, of, batch_no in (
        (10, 12, epoch, 4),
        (12, 13, epoch, 4),
        (11, 14, epoch, 4),
        (11, 13, epoch, 5),
        (11, 13, "ab" * 8, 0),
    ):
        row = (first_seq, last_seq, of, batch_no, last_seq - first_seq + 1, digest, digest, 9, 0)
        with pytest.raises(driver.ROW_ERRORS):
            survey.connection.execute("INSERT INTO batch VALUES (?,?,?,?,?,?,?,?,?)", row)
    assert outbox.progress().batches == 4


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE epoch SET device = 'another'",
        "UPDATE batch SET sha256 = header_sha256",
        "UPDATE batch_content SET content = x'00'",
        "UPDATE receipt SET receipt = '{}'",
        "DELETE FROM epoch",
        "DELETE FROM batch",
        "DELETE FROM batch_content",
        "DELETE FROM delivery",
        "DELETE FROM receipt",
        "UPDATE delivery SET state = 'acknowledged'",  # most without a receipt
        "UPDATE delivery SET state = 'sent'",
        "UPDATE delivery SET durable = 1",
        "UPDATE delivery SET state = 'parked', reason = NULL",
    ],
)
def test_what_was_sealed_cannot_be_undone(
    survey: SurveyFile, outbox: Outbox, batches: list[BatchId], statement: str
) -> None:
    acknowledge(outbox, batches[0])
    before = outbox.progress()
    with pytest.raises(driver.ROW_ERRORS):
        survey.connection.execute(statement)
    assert outbox.progress() == before
    assert survey.check() == []


def test_waiting_is_oldest_first_and_can_skip(outbox: Outbox, batches: list[BatchId]) -> None:
    assert [batch.batch_no for batch in batches] == [0, 1, 2, 3]
    assert outbox.waiting(2) == batches[:2]
    assert outbox.waiting(2, skip={batches[0], batches[2]}) == [batches[1], batches[3]]
    acknowledge(outbox, batches[1])
    assert outbox.waiting(9) == [batches[0], *batches[2:]]


def test_progress_counts_rows_and_batches(outbox: Outbox, batches: list[BatchId]) -> None:
    acknowledge(outbox, batches[0])
    acknowledge(outbox, batches[1])
    outbox.park(batches[2], TOO_LARGE, NOW_UTC_US)
    outbox.mark_durable(batches[0].epoch, 0, NOW_UTC_US)
    progress = outbox.progress()
    assert dataclasses.astuple(progress)[:-1] == (10, 10, 6, 3, 3, 4, 1, 2, 1, 1)
    # Batches hold rows 1-3, 4-6, 7-9 and 10; row 1 is the drive, row 7 second 5.
    assert progress.oldest_unsent_utc_us == START_UTC_US + 5 * S
    outbox.unpark_all()
    for batch in batches[2:]:
        acknowledge(outbox, batch)
    assert outbox.progress().oldest_unsent_utc_us is None


def test_the_oldest_unsent_row_may_not_be_sealed_yet(survey: SurveyFile, outbox: Outbox) -> None:
    for batch in seal_rest(outbox):
        acknowledge(outbox, batch)
    survey.append("d1", fixes=[a_fix(30)], tests=[a_test(20)])
    assert outbox.progress().oldest_unsent_utc_us == START_UTC_US + 20 * S
    seal_rest(outbox)
    assert outbox.progress().oldest_unsent_utc_us == START_UTC_US + 20 * S


def test_a_receipt_of_something_else_is_none(outbox: Outbox, batches: list[BatchId]) -> None:
    good = receipt_for(outbox, batches[0])
    for change in (
        {"batch_no": 1},
        {"sha256": "ab" * 32},
        {"epoch": "ab" * 8},
        {"device": DEVICE.replace("4", "5")},
    ):
        other = sign_receipt(dataclasses.replace(good.receipt, **change), HQ_KEY)
        with pytest.raises(ValueError, match="not a receipt for"):
            outbox.acknowledge(batches[0], other, NOW_UTC_US)
    assert outbox.acknowledged(batches[0].epoch) == []
    assert outbox.receipts() == []


def test_receipts_are_kept_all(outbox: Outbox, batches: list[BatchId]) -> None:
    """Headquarters restored from a backup signs again; what it signed before stays as evidence."""
    first, second = receipt_for(outbox, batches[0], 12), receipt_for(outbox, batches[0], 7)
    for receipt in (first, first, second):
        outbox.acknowledge(batches[0], receipt, NOW_UTC_US)
    other = receipt_for(outbox, batches[2], 3)
    outbox.acknowledge(batches[2], other, NOW_UTC_US)
    assert outbox.receipts() == [second, first, other]
    for receipt in outbox.receipts():
        receipt.verify(HQ_KEY.public_key())


def test_a_damaged_receipt_is_told_as_damage(
    survey: SurveyFile, outbox: Outbox, batches: list[BatchId]
) -> None:
    acknowledge(outbox, batches[0])
    survey.connection.execute("DROP TRIGGER receipt_no_update")
    survey.connection.execute("UPDATE receipt SET receipt = '{}'")
    with pytest.raises(KnownError) as caught:
        outbox.receipts()
    assert caught.value.message.id == "store.damaged"


def test_a_parked_batch_holds_up_nothing_and_can_come_back(
    outbox: Outbox, batches: list[BatchId]
) -> None:
    assert [outbox.note_failure(batches[0], TOO_LARGE, NOW_UTC_US) for _ in range(3)] == [1, 2, 3]
    assert outbox.waiting(9) == batches
    outbox.park(batches[0], TOO_LARGE, NOW_UTC_US)
    assert outbox.waiting(9) == batches[1:]
    assert outbox.parked() == [(batches[0], TOO_LARGE)]
    assert outbox.unpark_all() == 1
    assert outbox.waiting(9) == batches
    assert outbox.note_failure(batches[0], TOO_LARGE, NOW_UTC_US) == 1


def test_a_late_receipt_outdoes_parking(outbox: Outbox, batches: list[BatchId]) -> None:
    outbox.park(batches[0], TOO_LARGE, NOW_UTC_US)
    acknowledge(outbox, batches[0])
    outbox.park(batches[0], TOO_LARGE, NOW_UTC_US)
    outbox.note_failure(batches[0], TOO_LARGE, NOW_UTC_US)
    assert outbox.acknowledged(batches[0].epoch) == [0]
    assert outbox.parked() == []


def test_only_what_is_durable_for_long_is_dropped(
    survey: SurveyFile, outbox: Outbox, batches: list[BatchId]
) -> None:
    epoch = batches[0].epoch
    acknowledge(outbox, batches[0])
    acknowledge(outbox, batches[1])
    outbox.mark_durable(epoch, 2, NOW_UTC_US)  # 2 is not acknowledged: this file has no proof
    outbox.mark_durable(epoch, 2, NOW_UTC_US + 5)  # changes nothing
    assert outbox.drop_contents(NOW_UTC_US) == 0
    outbox.mark_durable(epoch, 0, NOW_UTC_US)  # HQ was restored
    assert outbox.drop_contents(NOW_UTC_US + 1) == 1
    assert [outbox.content(batch) is None for batch in batches] == [True, False, False, False]
    assert survey.summary().samples == 9
    assert survey.check() == []
    assert outbox.progress().sealed_rows == 10


def test_what_headquarters_lost_waits_again(
    survey: SurveyFile, outbox: Outbox, batches: list[BatchId]
) -> None:
    epoch = batches[0].epoch
    for batch in batches:
        acknowledge(outbox, batch)
    outbox.mark_durable(epoch, 1, NOW_UTC_US)
    survey.connection.execute("DELETE FROM batch_content WHERE first_seq = 1")
    assert outbox.acknowledged(epoch) == [0, 1, 2, 3]
    assert outbox.reoffer(epoch, [0, 1, 3, 99]) == 2  # there is nothing to send of 0
    assert outbox.waiting(9) == [batches[1], batches[3]]
    assert outbox.acknowledged(epoch) == [0, 2]
    assert outbox.progress().durable_batches == 1
    assert len(outbox.receipts()) == 4
    acknowledge(outbox, batches[1], log_index=99)
    assert outbox.waiting(9) == [batches[3]]


def test_an_unknown_batch_is_a_bug(outbox: Outbox, batches: list[BatchId]) -> None:
    unknown = BatchId(batches[0].epoch, 17)
    receipt = receipt_for(outbox, batches[0])
    for attempt in (
        lambda: outbox.content(unknown),
        lambda: outbox.acknowledge(unknown, receipt, NOW_UTC_US),
        lambda: outbox.park(unknown, TOO_LARGE, NOW_UTC_US),
    ):
        with pytest.raises(ValueError, match="no batch 17"):
            attempt()


def test_sealed_rows_are_still_found_by_a_repeated_append(
    survey: SurveyFile, outbox: Outbox, batches: list[BatchId]
) -> None:
    survey.append("d1", samples=[a_sample(n) for n in range(12)])
    assert [row.seq for row in outbox.unsealed(99)] == [11, 12, 13]


def test_another_opener_sees_it_and_a_reader_cannot_seal(
    survey: SurveyFile, outbox: Outbox, batches: list[BatchId]
) -> None:
    with SurveyFile.open(survey.path, read_only=True) as reader:
        seen = Outbox(reader)
        assert seen.progress() == outbox.progress()
        assert seen.waiting(9) == batches
        survey.append("d1", samples=[a_sample(20)])
        with pytest.raises(KnownError) as caught:
            seal_one(seen)
        assert caught.value.message.id == "store.read_only"
