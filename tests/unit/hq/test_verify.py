"""Every changed byte is found: in a landed file, in the ledger, in a receipt, in a checkpoint."""

import dataclasses
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from fieldsurvey.hq.enrolment import keep_device_keys
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.issuing import publish
from fieldsurvey.hq.janitor import tidy
from fieldsurvey.hq.ledger import ArchiveFile
from fieldsurvey.hq.ledger_tables import metadata
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.hq.status import status_of
from fieldsurvey.hq.verify import Verification, as_json, check_batches, check_log, verify
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.issued import IssuedKind
from fieldsurvey.wire.receipt import SignedReceipt, receipt_from, sign_receipt
from tests.support.hq_landing import land
from tests.support.hq_server import enrolled, make_home

_MAY_CHANGE = {("device", "last_seen_utc_us")}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of an HQ with two devices, an archive file, an issued document, an audit log and
    checkpoints."""
    home = make_home(tmp_path_factory.mktemp("hq") / "hq")
    with open_station(home, SystemClock()) as station:
        first, second = enrolled(home, 2)
        for _ in range(3):
            land(station, first.seal(payload=b"short"))
        station.log.checkpoint()
        land(station, second.seal(payload=b"short"))
    with open_station(home, SystemClock()) as station:  # a new log has no patience to wait out
        station.log.checkpoint()
        (home.archive / "f.parquet").write_bytes(b"what the merge wrote")
        digest = hashlib.sha256(b"what the merge wrote").hexdigest()
        one = ArchiveFile("f.parquet", "sample", "2026-11-24", 9, 20, digest, 1, 2)
        station.ledger.swap_archive([one], [], [])
        keep_device_keys(home, station.ledger)
        publish(station, home.archive / "f.parquet", IssuedKind.PLAN, "north")
    return home.folder


@pytest.fixture
def station(filled: Path, tmp_path: Path) -> Iterator[Station]:
    """A copy to tamper with."""
    shutil.copytree(filled, tmp_path / "hq")
    with open_station(Home.open(tmp_path / "hq"), SystemClock()) as one:
        yield one


def _ids(result: Verification) -> list[str]:
    return [one.id for one in result.findings]


def test_nothing_is_found_where_nothing_was_done(station: Station) -> None:
    result = verify(station)
    assert result.findings == []
    assert result.notes == []
    assert (result.batches, result.archive_files, result.checkpoints) == (4, 1, 3)
    assert as_json(result)["ok"] is True


def test_every_changed_byte_of_a_landed_file_is_found(station: Station) -> None:
    (path, *_) = sorted(station.home.raw.rglob("*.fsb"))
    content = path.read_bytes()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        path.write_bytes(changed)
        found = Verification()
        check_batches(station, found)
        assert _ids(found), position
    for changed in (content[:-1], content + b"\0", b"", content[:10]):
        path.write_bytes(changed)
        assert _ids(verify(station)) == ["hq.finding_file"]
    path.unlink()
    assert _ids(verify(station)) == ["hq.finding_file_missing"]
    path.write_bytes(content)
    assert _ids(verify(station)) == []


def _columns() -> list[tuple[str, str]]:
    return [
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if table.name != "meta" and (table.name, column.name) not in _MAY_CHANGE
    ]


@pytest.mark.parametrize(("table", "column"), _columns())
def test_every_changed_column_of_the_ledger_is_found(
    station: Station, table: str, column: str
) -> None:
    """By whoever opens the database: triggers and checks are no hindrance to them."""
    target = metadata.tables[table]
    with station.ledger.database.write() as connection:
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
    key = next(one.name for one in target.primary_key.columns)
    with station.ledger.database.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(target.select())]
    assert rows
    for row in rows:
        changed = _other(row[column])
        connection_values = {"key": row[key], "changed": changed}
        with station.ledger.database.engine.connect() as plain, plain.begin():
            plain.exec_driver_sql("PRAGMA ignore_check_constraints=ON")
            plain.execute(
                sa.text(f'UPDATE {table} SET "{column}" = :changed WHERE "{key}" = :key'),
                connection_values,
            )
            plain.exec_driver_sql("PRAGMA ignore_check_constraints=OFF")
        assert _ids(verify(station)), (row, changed)
        with station.ledger.database.write() as connection:
            connection.execute(
                sa.text(f'UPDATE {table} SET "{column}" = :was WHERE "{key}" = :now'),
                {
                    "was": row[column],
                    "now": changed if column == key else row[key],
                },
            )
    assert _ids(verify(station)) == []


def test_a_ledger_that_cannot_be_read_is_found(station: Station) -> None:
    with station.ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE batch SET detail = CAST(x'ff' AS TEXT)")
    assert "hq.finding_database" in _ids(verify(station))


def test_a_damaged_index_is_found(station: Station) -> None:
    with station.ledger.database.engine.connect() as plain, plain.begin():
        plain.exec_driver_sql("PRAGMA writable_schema=ON")
        plain.exec_driver_sql(
            "UPDATE sqlite_schema SET sql = replace(sql, 'last_seq', 'first_seq')"
            " WHERE name = 'batch_by_seq'"
        )
    with open_station(station.home, station.clock) as again:
        assert "hq.finding_database" in _ids(verify(again))


def _other(value: object) -> object:
    """Return another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1000
        case str() if value:
            return ("b" if value[0] != "b" else "c") + value[1:]
        case str():
            return "x"
    return 1


@pytest.mark.parametrize("table", ["batch", "audit", "device", "code", "issued", "archive_file"])
def test_a_removed_row_is_found(station: Station, table: str) -> None:
    with station.ledger.database.write() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_delete")
    target = metadata.tables[table]
    with station.ledger.database.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(target.select())]
    assert rows
    for row in rows:
        this = sa.and_(*(key == row[key.name] for key in target.primary_key.columns))
        with station.ledger.database.write() as connection:
            connection.execute(target.delete().where(this))
        assert _ids(verify(station)), row
        with station.ledger.database.write() as connection:
            connection.execute(target.insert(), row)
    assert _ids(verify(station)) == []


def test_an_audit_log_that_lost_its_end_is_not_signed_again(filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "hq")
    home = Home.open(tmp_path / "hq")
    audit = metadata.tables["audit"]
    with open_station(home, SystemClock()) as one, one.ledger.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_delete")
        last = connection.scalar(sa.select(sa.func.max(audit.c.audit_no)))
        connection.execute(audit.delete().where(audit.c.audit_no == last))
    with open_station(home, SystemClock()) as one:
        assert _ids(verify(one)) == ["hq.finding_audit_short"]


def test_every_changed_byte_of_a_checkpoint_is_found(station: Station) -> None:
    path = station.home.log / "checkpoint"
    content = path.read_bytes()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 7
        path.write_bytes(changed)
        found = Verification()
        check_log(station, found)
        assert _ids(found), position
    path.write_bytes(content)
    assert _ids(verify(station)) == []


def test_every_changed_byte_of_a_receipt_is_found(filled: Path, station: Station) -> None:
    (row, *_) = station.ledger.batch_rows()
    receipt = station.ledger.find(row.device, row.epoch, row.batch_no, row.sha256)
    assert receipt is not None
    signed = sign_receipt(receipt, station.key)
    assert _ids(verify(station, [signed])) == []
    content = signed.to_bytes()
    readable: list[SignedReceipt] = []
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        with suppress(WireError):
            readable.append(receipt_from(bytes(changed)))
    assert len(readable) > 50
    assert _ids(verify(station, readable)) == ["hq.finding_receipt"] * len(readable)


def test_a_receipt_the_log_does_not_hold_is_found(station: Station) -> None:
    (row, *_) = station.ledger.batch_rows()
    receipt = station.ledger.find(row.device, row.epoch, row.batch_no, row.sha256)
    assert receipt is not None
    forged = sign_receipt(dataclasses.replace(receipt, rows=receipt.rows + 1), station.key)
    assert _ids(verify(station, [forged])) == ["hq.finding_receipt_unknown"]


def test_every_changed_byte_of_the_archive_is_found(station: Station) -> None:
    path = station.home.archive / "f.parquet"
    content = path.read_bytes()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(changed)
        assert _ids(verify(station)) == ["hq.finding_archive"]
    path.unlink()
    assert _ids(verify(station)) == ["hq.finding_archive"]


def test_a_file_nobody_entered_is_found(station: Station) -> None:
    (path, *_) = sorted(station.home.raw.rglob("*.fsb"))
    shutil.copy(path, path.with_name(f"77-{'ab' * 8}.fsb"))
    assert _ids(verify(station)) == ["hq.finding_unledgered"]


def test_a_log_cut_short_is_found_by_its_newest_promise(station: Station) -> None:
    """Even where file, row and kept checkpoints went together."""
    with station.ledger.database.write() as connection:
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER checkpoint_no_{verb}")
        last = station.ledger.history.size() - 1
        (one,) = station.ledger.at([last])
        connection.execute(sa.text("DELETE FROM batch WHERE log_index = :n"), {"n": last})
        connection.execute(sa.text("DELETE FROM checkpoint WHERE size > :n"), {"n": last})
    (station.home.raw / one.path).unlink()
    assert _ids(verify(station)) == ["hq.finding_log_short"]


def test_gaps_and_forks_are_told_as_what_they_are(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq")
    (laptop,) = enrolled(home)
    with open_station(home, SystemClock()) as station:
        sealed = [laptop.seal() for _ in range(6)]
        for n in (0, 1, 4):  # 2 and 3 are on the laptop still
            land(station, sealed[n])
        result = verify(station)
        assert result.findings == []
        assert [(one.id, one.args["batches"]) for one in result.notes] == [("hq.note_missing", 2)]

        clone = laptop.sealed(1, 11, 10, b"another branch")
        land(station, clone)
        land(station, sealed[2])
        result = verify(station)
        assert result.findings == []
        assert sorted(one.id for one in result.notes) == ["hq.note_fork", "hq.note_missing"]


def test_a_batch_that_does_not_follow_is_found(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq")
    (laptop,) = enrolled(home)
    with open_station(home, SystemClock()) as station:
        land(station, laptop.seal())
        laptop._previous = "ab" * 32
        land(station, laptop.seal())
        assert _ids(verify(station)) == ["hq.finding_chain"]


def test_hq_is_the_same_on_both_databases(ledger_url: str, tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq", ledger=ledger_url)
    (laptop,) = enrolled(home)
    with open_station(home, SystemClock()) as station:
        keep_device_keys(home, station.ledger)
        sealed = [laptop.seal() for _ in range(3)]
        landed = [land(station, one) for one in sealed]
        land(station, laptop.sealed(1, 11, 10, b"another branch"))
        again = [land(station, one) for one in sealed]
        assert [one.signed for one in again] == [one.signed for one in landed]
        station.log.checkpoint()
        result = verify(station, [one.signed for one in landed])
        assert result.findings == []
        assert (result.batches, result.receipts) == (4, 3)
        assert status_of(station)["counts"]["conflicts"] == 1
    with open_station(home, SystemClock()) as station:
        station.log.check()
        tidied = tidy(home, station.ledger, station.landing, station.clock.utc_us)
        assert (tidied.adopted, tidied.foreign, tidied.damaged) == (0, (), ())
