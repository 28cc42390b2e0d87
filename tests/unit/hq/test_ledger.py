"""The ledger says the same on SQLite and on PostgreSQL: dense, once only, all at once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from fieldsurvey.hq.history import StoredCheckpoint
from fieldsurvey.hq.ledger import ArchiveFile, Ledger
from fieldsurvey.hq.ledger_tables import audit, checkpoint
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.answers import Quarantined
from fieldsurvey.wire.merkle import leaf_hash
from fieldsurvey.wire.receipt import ReceiptState
from tests.support.hq_values import NOW_UTC_US, Laptop, arrival


def test_batches_get_dense_numbers_and_their_leaves(ledger: Ledger) -> None:
    laptop = Laptop()
    receipts = [ledger.append(arrival(laptop.seal()), NOW_UTC_US + n)[0] for n in range(5)]

    assert [one.log_index for one in receipts] == [0, 1, 2, 3, 4]
    assert [one.state for one in receipts] == [ReceiptState.LANDED] * 5
    assert ledger.history.leaves(0, 10) == [leaf_hash(one.leaf()) for one in receipts]
    assert ledger.history.leaves(3, 1) == [leaf_hash(receipts[3].leaf())]
    assert ledger.history.size() == 5


def test_the_same_bytes_again_give_the_same_receipt(ledger: Ledger) -> None:
    one = Laptop().seal()
    first, was_there = ledger.append(arrival(one), NOW_UTC_US)
    again, was_there_again = ledger.append(arrival(one), NOW_UTC_US + 99)

    assert (was_there, was_there_again) == (False, True)
    assert again == first
    header = one.header
    assert ledger.find(header.device, header.epoch, header.batch_no, one.sha256) == first
    assert ledger.find(header.device, header.epoch, header.batch_no, "0" * 64) is None
    assert ledger.history.size() == 1


def test_parallel_landings_stay_dense_and_single(ledger: Ledger) -> None:
    laptops = [Laptop() for _ in range(4)]
    arrivals = [arrival(laptop.seal()) for laptop in laptops for _ in range(5)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda one: ledger.append(one, NOW_UTC_US), arrivals * 2))

    fresh = [receipt for receipt, was_there in outcomes if not was_there]
    assert sorted(one.log_index for one in fresh) == list(range(20))
    assert {one.leaf() for one, _ in outcomes} == {one.leaf() for one in fresh}


@pytest.mark.parametrize(
    ("batch_no", "first_seq", "rows"),
    [(1, 11, 10), (7, 20, 1), (7, 1, 100), (0, 1, 10)],
    ids=["same number", "tail overlaps", "covers both", "same number and rows"],
)
def test_other_bytes_for_rows_already_here_are_a_conflict(
    ledger: Ledger, batch_no: int, first_seq: int, rows: int
) -> None:
    laptop = Laptop()
    for _ in range(2):  # rows 1 to 10 and 11 to 20
        ledger.append(arrival(laptop.seal()), NOW_UTC_US)
    receipt, was_there = ledger.append(
        arrival(laptop.sealed(batch_no, first_seq, rows, b"other")), NOW_UTC_US
    )
    assert (receipt.state, was_there) == (ReceiptState.CONFLICT, False)
    assert ledger.unmerged(10)[-1].state == "conflict"


def test_other_epochs_and_devices_do_not_conflict(ledger: Ledger) -> None:
    laptop = Laptop()
    other_epoch = Laptop(device=laptop.device, epoch="00000000000000bb", key=laptop.key)
    for one in (laptop, other_epoch, Laptop()):
        receipt, _ = ledger.append(arrival(one.seal()), NOW_UTC_US)
        assert receipt.state is ReceiptState.LANDED


def test_epoch_state_tells_ranges_quarantine_and_what_is_durable(ledger: Ledger) -> None:
    laptop = Laptop()
    device, epoch = laptop.device, laptop.epoch
    sealed = [laptop.seal() for _ in range(7)]
    for n in (0, 1, 2, 4, 6):
        ledger.append(arrival(sealed[n], "schema" if n == 4 else ""), NOW_UTC_US)

    def state(durable_without_mirror: bool) -> tuple[object, ...]:
        one = ledger.epoch_state(
            device, epoch, durable_without_mirror=durable_without_mirror, checkpoint_note="note"
        )
        assert one.checkpoint == "note"
        return one.have, one.durable_upto, one.quarantined

    have = ((0, 2), (4, 4), (6, 6))
    bad = (Quarantined(4, "schema", ""),)
    assert state(False) == (have, -1, bad)
    assert state(True) == (have, 2, bad)
    ledger.set_mirrored([0, 1, 3], mirrored=True)  # log indices: batches 0, 1 and 4
    assert state(False) == (have, 1, bad)
    ledger.set_mirrored([1], mirrored=False)
    assert state(False) == (have, 0, bad)
    ledger.set_mirrored([0, 1, 2], mirrored=True)
    assert state(False) == (have, 2, bad)
    # Another copy of batch 1 that is not on the second disk yet.
    ledger.append(arrival(laptop.sealed(1, 11, 10, b"other")), NOW_UTC_US)
    assert state(False) == (have, 0, bad)


def test_an_epoch_nobody_has_heard_of_is_empty(ledger: Ledger) -> None:
    one = ledger.epoch_state("d", "e", durable_without_mirror=True, checkpoint_note="")
    assert (one.have, one.durable_upto, one.quarantined) == ((), -1, ())


def _file(path: str, table: str = "sample") -> ArchiveFile:
    return ArchiveFile(path, table, "2026-11-24", 20, 999, "ab" * 32, 1, 2)


def test_manifest_and_states_change_together(ledger: Ledger) -> None:
    laptop = Laptop()
    for _ in range(3):
        ledger.append(arrival(laptop.seal()), NOW_UTC_US)
    ledger.swap_archive([_file("a"), _file("b", "fix")], [], [0, 1])
    assert [one.log_index for one in ledger.unmerged(10)] == [2]
    assert ledger.archive_files() == [_file("a"), _file("b", "fix")]
    assert ledger.archive_files("fix") == [_file("b", "fix")]

    with pytest.raises(DBAPIError):  # "b" is there already: nothing of this happens
        ledger.swap_archive([_file("c"), _file("b")], ["a"], [2])
    assert [one.log_index for one in ledger.unmerged(10)] == [2]
    assert [one.path for one in ledger.archive_files()] == ["a", "b"]

    for removed, merged in ((["nothing"], [2]), (["a"], [1]), ([], [99])):
        with pytest.raises(LookupError):
            ledger.swap_archive([_file("c")], removed, merged)
    assert [one.log_index for one in ledger.unmerged(10)] == [2]
    assert [one.path for one in ledger.archive_files()] == ["a", "b"]

    ledger.swap_archive([_file("c")], ["a", "b"], [2])
    assert ledger.archive_files() == [_file("c")]
    assert ledger.unmerged(10) == []
    counts = ledger.counts()
    assert (counts.batches, counts.rows, counts.merged, counts.waiting) == (3, 30, 3, 0)
    assert (counts.archive_files, counts.archive_rows, counts.archive_bytes) == (1, 20, 999)


def test_rebuilding_lets_every_batch_wait_again_as_what_it_came(ledger: Ledger) -> None:
    laptop = Laptop()
    ledger.append(arrival(laptop.seal()), NOW_UTC_US)
    ledger.append(arrival(laptop.sealed(0, 1, 10, b"other")), NOW_UTC_US)
    ledger.append(arrival(laptop.sealed(5, 500, 10), "payload"), NOW_UTC_US)
    ledger.swap_archive([_file("a")], [], [0])
    ledger.quarantine(1, "conflict", "two of batch 0")
    assert ledger.unmerged(10) == []

    ledger.forget_archive()
    assert ledger.archive_files() == []
    waiting = [(one.log_index, one.state) for one in ledger.unmerged(10)]
    assert waiting == [(0, "landed"), (1, "conflict"), (2, "landed")]
    assert [one.log_index for one in ledger.unmerged(2)] == [0, 1]


def test_a_schema_that_has_become_known_waits_for_the_merge(ledger: Ledger) -> None:
    laptop = Laptop()
    for schema, code in (("rows/9", "schema"), ("rows/8", "schema"), ("rows/9", "payload")):
        ledger.append(arrival(laptop.seal(schema=schema), code), NOW_UTC_US)
    assert ledger.reconsider(["rows/1", "rows/9"]) == 1
    assert [one.log_index for one in ledger.unmerged(10)] == [0]


def test_what_is_appended_cannot_be_changed(ledger: Ledger) -> None:
    ledger.history.add_audit(NOW_UTC_US, "operator", "test")
    ledger.history.add_checkpoint(StoredCheckpoint(0, "00", "note"))
    for statement in (
        audit.update().values(who="nobody"),
        audit.delete(),
        checkpoint.update().values(root="11"),
        checkpoint.delete(),
    ):
        with pytest.raises(DBAPIError, match="append-only"), ledger.database.write() as connection:
            connection.execute(statement)
    assert [one.who for one in ledger.history.audit_entries()] == ["operator"]
    assert ledger.history.last_checkpoint() == StoredCheckpoint(0, "00", "note")


def test_the_first_checkpoint_of_a_size_stays(ledger: Ledger) -> None:
    first = StoredCheckpoint(3, "aa", "one")
    assert ledger.history.add_checkpoint(first) == first
    assert ledger.history.add_checkpoint(StoredCheckpoint(3, "bb", "two")) == first
    assert ledger.history.checkpoints() == [first]


def test_tables_refuse_what_cannot_be(ledger: Ledger) -> None:
    with pytest.raises(DBAPIError), ledger.database.write() as connection:
        connection.execute(sa.text("INSERT INTO meta (name, value) VALUES ('x', NULL)"))
    one = Laptop().seal()
    ledger.append(arrival(one), NOW_UTC_US)
    with pytest.raises(DBAPIError), ledger.database.write() as connection:
        connection.execute(sa.text("UPDATE batch SET state = 'lost'"))


def test_a_ledger_is_made_once_and_opened_again(ledger_url: str) -> None:
    Ledger.create(ledger_url, "hq.test/log/0").close()
    with pytest.raises(KnownError) as caught:
        Ledger.create(ledger_url, "other")
    assert caught.value.message.id == "hq.ledger_exists"
    again = Ledger(ledger_url)
    assert again.log_origin == "hq.test/log/0"
    with again.database.write() as connection:
        connection.execute(sa.text("UPDATE meta SET value = '99' WHERE name = 'schema_version'"))
    again.close()
    with pytest.raises(KnownError) as caught:
        Ledger(ledger_url)
    assert caught.value.message.id == "hq.newer_ledger"


def test_no_ledger_is_an_error_with_a_reason(ledger_url: str) -> None:
    with pytest.raises(KnownError) as caught:
        Ledger(ledger_url)
    assert caught.value.message.id == "hq.no_ledger"


def test_codes_and_tokens_are_kept_as_digests_only(ledger: Ledger) -> None:
    code = ledger.devices.new_code("device", 1.0, NOW_UTC_US)
    _, token = ledger.devices.enrol(code, Laptop().public_key, NOW_UTC_US)
    kept = repr(ledger.devices.rows()) + repr(ledger.history.audit_rows())
    assert token not in kept
    assert code not in kept
    assert hashlib.sha256(token.encode()).hexdigest() in kept
