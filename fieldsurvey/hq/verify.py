"""Whether all that HQ holds is what once arrived: every file, every row, every signed word.

Reads and compares, changes nothing. A finding is something that was changed, damaged or lost; that
batches of an epoch have not come yet, or that it forked, is told as a note.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from fieldsurvey.hq.audit_seal import FILE, continues
from fieldsurvey.hq.devices import Device
from fieldsurvey.hq.issuing import damaged, issued_versions
from fieldsurvey.hq.ledger_records import receipt_of
from fieldsurvey.hq.ledger_rows import EXPIRED
from fieldsurvey.hq.ledger_tables import audit_chain, manifest_sum, row_digest, state_digest
from fieldsurvey.hq.raw_files import RawFiles
from fieldsurvey.hq.shelf import Shelf
from fieldsurvey.hq.station import Station
from fieldsurvey.hq.verify_log import Frontier
from fieldsurvey.model.messages import Message, message
from fieldsurvey.wire.batch import NO_PREVIOUS, SealedBatch, parse_batch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.checkpoint import Checkpoint, checkpoint_from
from fieldsurvey.wire.keys import public_key_from
from fieldsurvey.wire.merkle import leaf_hash
from fieldsurvey.wire.receipt import SignedReceipt

Row = sa.Row[Any]
_OF_HEADER = (
    "device",
    "epoch",
    "batch_no",
    "rows",
    "first_seq",
    "last_seq",
    "schema",
    "survey",
    "created_utc_us",
)


@dataclass(slots=True)
class Verification:
    """What was found, and how much was looked at."""

    findings: list[Message] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    batches: int = 0
    bytes: int = 0
    checkpoints: int = 0
    archive_files: int = 0
    receipts: int = 0

    def find(self, id: str, /, **args: object) -> None:  # noqa: A002 - it is the id
        self.findings.append(message(id, **args))


def verify(station: Station, receipts: Iterable[SignedReceipt] = ()) -> Verification:
    """Look at everything. ``receipts``: given out earlier, to be compared too."""
    result = Verification()
    for part in (
        _database,
        check_log,
        check_batches,
        _unknown_files,
        _small_tables,
        _archive,
        _issued,
    ):
        try:
            part(station, result)
        except (SQLAlchemyError, ValueError) as error:  # what no row of ours could ever be
            result.find("hq.finding_database", detail=str(error))
    check_receipts(station, receipts, result)
    return result


def _database(station: Station, result: Verification) -> None:
    for detail in station.ledger.database.damage():
        result.find("hq.finding_database", detail=detail)


def check_log(station: Station, result: Verification) -> None:
    """Walk the log: each row's leaf, and the tree's root at each checkpoint."""
    tree = Frontier()
    promised = list(_checkpoints(station, result))
    result.checkpoints = len(promised)
    promised.sort(key=lambda one: one.size)

    def compare() -> None:
        while promised and promised[0].size == tree.size:
            if promised.pop(0).root != tree.root():
                result.find("hq.finding_root", size=tree.size)

    compare()
    for row in station.ledger.batch_rows():
        if row.log_index != tree.size:
            result.find("hq.finding_log_gap", log_index=row.log_index, expected=tree.size)
            return
        try:
            leaf = leaf_hash(receipt_of(row).leaf())
        except ValueError:
            leaf = b""
        if row.leaf_hash != leaf.hex():
            result.find("hq.finding_leaf", log_index=row.log_index)
        if row.state_sha256 != state_digest(dict(row._mapping)):
            result.find("hq.finding_row", table="batch", key=row.log_index)
        tree.add(leaf)
        compare()
    for one in promised:
        result.find("hq.finding_log_short", size=one.size, now=tree.size)


def _checkpoints(station: Station, result: Verification) -> Iterator[Checkpoint]:
    key = station.key.public_key()
    origin = station.ledger.log_origin
    for stored in station.ledger.history.checkpoints():
        try:
            one = checkpoint_from(stored.note, key)
        except WireError as error:
            result.find("hq.finding_checkpoint", size=stored.size, detail=error.detail)
            continue
        if (one.origin, one.size, one.root.hex()) != (origin, stored.size, stored.root):
            result.find("hq.finding_checkpoint", size=stored.size, detail="row and note differ")
        yield one
    path = station.home.log / "checkpoint"
    try:
        yield checkpoint_from(path.read_text(encoding="utf-8"), key)
    except FileNotFoundError:
        return
    except (WireError, UnicodeDecodeError) as error:
        result.find("hq.finding_checkpoint", size=path.name, detail=str(error))


def check_receipts(
    station: Station, receipts: Iterable[SignedReceipt], result: Verification
) -> None:
    """Compare what was carried back with the log."""
    key = station.key.public_key()
    for signed in receipts:
        result.receipts += 1
        receipt = signed.receipt
        try:
            signed.verify(key)
        except WireError:
            result.find("hq.finding_receipt", log_index=receipt.log_index)
            continue
        if station.ledger.history.leaves(receipt.log_index, 1) != [leaf_hash(receipt.leaf())]:
            result.find("hq.finding_receipt_unknown", log_index=receipt.log_index)


def check_batches(station: Station, result: Verification) -> None:
    """Read every file, epoch by epoch in the order of its batches."""
    raw = station.home.raw_shelf()
    devices = {one.device: one for one in station.ledger.devices.all()}
    let_go_utc_us = _let_go_before(station)
    expired = 0
    for device, epoch in station.ledger.epochs():
        headers: dict[int, list[SealedBatch]] = {}
        conflict = False
        for row in station.ledger.epoch_rows(device, epoch):
            result.batches += 1
            conflict |= row.receipt_state == "conflict"
            if row.code == EXPIRED and row.received_utc_us < let_go_utc_us:
                expired += 1
                headers.setdefault(row.batch_no, [])
                continue
            sealed = _file(raw, row, devices.get(device), result)
            if sealed is not None:
                headers.setdefault(row.batch_no, []).append(sealed)
        _chain(device, epoch, headers, conflict, result)
    if expired:
        result.notes.append(message("hq.note_expired", batches=expired))


def _let_go_before(station: Station) -> int:
    """Return the latest time before which, by the audit log, batches were let go; 0 for never."""
    notes = [
        entry.detail.partition("before_utc_us=")[2].split(" ")[0]
        for entry in station.ledger.history.audit_entries()
        if entry.what == EXPIRED
    ]
    return max((int(text) for text in notes if text.isdigit()), default=0)


def _file(raw: Shelf, row: Row, device: Device | None, result: Verification) -> SealedBatch | None:
    """Compare a file with its row and its device's key; None if it is no batch."""
    try:
        content = raw.read(row.path)
    except FileNotFoundError:
        result.find("hq.finding_file_missing", path=row.path)
        return None
    except (OSError, ValueError) as error:
        result.find("hq.finding_file", path=row.path, detail=str(error))
        return None
    result.bytes += len(content)
    try:
        sealed = parse_batch(content)
        if device is None:
            raise WireError("signature", "no such device")
        sealed.verify(public_key_from(device.public_key))
    except WireError as error:
        result.find("hq.finding_file", path=row.path, detail=str(error))
        return None
    differing = [name for name in _OF_HEADER if getattr(sealed.header, name) != getattr(row, name)]
    if sealed.sha256 != row.sha256:
        differing.append("sha256")
    if len(content) != row.bytes:
        differing.append("bytes")
    if differing:
        result.find("hq.finding_differs", path=row.path, columns=", ".join(differing))
    return sealed


def _chain(
    device: str,
    epoch: str,
    held: dict[int, list[SealedBatch]],
    conflict: bool,
    result: Verification,
) -> None:
    """Each batch names the one before it; a gap is a batch that has not come."""
    missing = 0
    expected = 0
    for batch_no in sorted(held):
        missing += batch_no - expected
        expected = batch_no + 1
        previous = {one.header_sha256 for one in held.get(batch_no - 1, ())}
        if batch_no == 0:
            previous = {NO_PREVIOUS}
        for one in held[batch_no]:
            if previous and one.header.prev_sha256 not in previous:
                where = {"device": device, "epoch": epoch, "batch_no": batch_no}
                if conflict:
                    result.notes.append(message("hq.note_fork", **where))
                else:
                    result.find("hq.finding_chain", **where)
    if missing:
        result.notes.append(message("hq.note_missing", device=device, epoch=epoch, batches=missing))


def _unknown_files(station: Station, result: Verification) -> None:
    """Find files that no row knows; one that is just landing has its row a moment later."""
    for one in RawFiles(station.home.raw_shelf()):
        if not station.ledger.has_path(one.name):
            result.find("hq.finding_unledgered", path=one.name)


def _small_tables(station: Station, result: Verification) -> None:
    for table, row in station.ledger.devices.rows():
        if row["row_sha256"] != row_digest(row):
            key = row["device"] if table == "device" else row["code_sha256"]
            result.find("hq.finding_row", table=table, key=key)
    chain = ""
    for number, entry in enumerate(station.ledger.history.audit_rows()):
        chain = audit_chain(chain, dict(entry._mapping))
        if entry.audit_no != number or entry.chain_sha256 != chain:
            result.find("hq.finding_row", table="audit", key=entry.audit_no)
            return
    if not continues(station.ledger, station.key.public_key(), station.home.log):
        result.find("hq.finding_audit_short", path=station.home.log / FILE)
    _audited(station, result)


def _audited(station: Station, result: Verification) -> None:
    """Find what the audit log says was made and is no longer there."""
    entries = station.ledger.history.audit_entries()
    rows = station.ledger.devices.rows()
    there = {str(row["device"]) for table, row in rows if table == "device"}
    there |= {" ".join(map(str, one)) for one in issued_versions(station)}
    made = [entry.who for entry in entries if entry.what == "enrolled"]
    made += [entry.detail for entry in entries if entry.what == "was before"]
    made += [entry.detail.rpartition(" ")[0] for entry in entries if entry.what == "issued"]
    for name in sorted(set(made) - there):
        result.find("hq.finding_gone", name=name)
    codes = sum(table == "code" for table, _ in rows)
    if codes < sum(entry.what == "enrol_code" for entry in entries):
        result.find("hq.finding_gone", name="code")


def _archive(station: Station, result: Verification) -> None:
    archive = station.home.archive_shelf()
    rows = station.ledger.archive_rows()
    if station.ledger.archive_sum() not in ("", manifest_sum(rows)):
        result.find("hq.finding_manifest", files=len(rows))
    for row in rows:
        result.archive_files += 1
        if row["row_sha256"] != row_digest(row):
            result.find("hq.finding_row", table="archive_file", key=row["path"])
        try:
            digest = archive.digest(str(row["path"]))
        except (OSError, ValueError):
            digest = None
        if digest != row["sha256"]:
            result.find("hq.finding_archive", path=row["path"])


def _issued(station: Station, result: Verification) -> None:
    for document in damaged(station):
        result.find("hq.finding_issued", document=document)


def as_json(result: Verification) -> dict[str, object]:
    """Return the result as a document."""

    def listed(messages: Sequence[Message]) -> list[dict[str, object]]:
        return [{"id": one.id, **one.args, "text": one.text()} for one in messages]

    return {
        "ok": not result.findings,
        "findings": listed(result.findings),
        "notes": listed(result.notes),
        "batches": result.batches,
        "bytes": result.bytes,
        "checkpoints": result.checkpoints,
        "archive_files": result.archive_files,
        "receipts": result.receipts,
    }
