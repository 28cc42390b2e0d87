"""What HQ holds: which batches landed, in which order, what became of them, and what is archived.

It never looks into a file. A batch has a row here only after its bytes lie in ``raw`` for good, and
a receipt is given only after its row is committed. Devices are :mod:`fieldsurvey.hq.devices`, what
never changes is :mod:`fieldsurvey.hq.history`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from fieldsurvey.hq.devices import Devices
from fieldsurvey.hq.history import History, log_size
from fieldsurvey.hq.ledger_audit import add_audit
from fieldsurvey.hq.ledger_counts import Counts, count, count_per_device
from fieldsurvey.hq.ledger_engine import LedgerDatabase
from fieldsurvey.hq.ledger_records import ArchiveFile, Arrival, LandedBatch
from fieldsurvey.hq.ledger_rows import (
    CHUNK_ROWS,
    EXPIRED,
    IS_EXPIRED,
    WAITING,
    of_number,
    ranges,
    receipt_state,
    set_states,
    wait_again,
)
from fieldsurvey.hq.ledger_tables import (
    MANIFEST_SUM,
    SCHEMA_VERSION,
    archive_file,
    batch,
    manifest_sum,
    meta,
    metadata,
    row_digest,
    state_digest,
)
from fieldsurvey.hq.ledger_upgrade import upgraded
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.answers import EpochState, Quarantined
from fieldsurvey.wire.merkle import leaf_hash
from fieldsurvey.wire.receipt import Receipt

__all__ = ["ArchiveFile", "Arrival", "LandedBatch", "Ledger"]

_LANDED_COLUMNS = [batch.c[name] for name in LandedBatch.__dataclass_fields__]

_INSERT = batch.insert()


class Ledger:
    """The ledger at ``url``. Methods may be called from any thread.

    Raises KnownError ``hq.no_ledger`` or ``hq.newer_ledger``.
    """

    def __init__(self, url: str) -> None:
        self.database = LedgerDatabase(url)
        try:
            with self.database.read() as connection:
                found = {row.name: row.value for row in connection.execute(meta.select())}
        except DBAPIError as error:
            self.close()
            raise KnownError("hq.no_ledger", detail=str(error.orig)) from error
        if not upgraded(self.database, found.get("schema_version", "?")):
            self.close()
            raise KnownError("hq.newer_ledger", version=found.get("schema_version", "?"))
        self.log_origin = found["log_origin"]
        self.devices = Devices(self.database)
        self.history = History(self.database)

    @classmethod
    def create(cls, url: str, log_origin: str) -> "Ledger":
        """Make the tables. Raises KnownError ``hq.ledger_exists`` where there are some."""
        database = LedgerDatabase(url, create=True)
        try:
            if sa.inspect(database.engine).has_table(meta.name):
                raise KnownError("hq.ledger_exists")
            with database.write() as connection:
                metadata.create_all(connection)
                rows = {"schema_version": str(SCHEMA_VERSION), "log_origin": log_origin}
                connection.execute(
                    meta.insert(), [{"name": name, "value": rows[name]} for name in rows]
                )
        finally:
            database.close()
        return cls(url)

    def close(self) -> None:
        self.database.close()

    # Landing

    def find(self, device: str, epoch: str, batch_no: int, sha256: str) -> Receipt | None:
        """Return the receipt that was given for these very bytes, if any."""
        with self.database.read() as connection:
            return of_number(connection, device, epoch, batch_no).get(sha256)

    def append(self, arrival: Arrival, now_utc_us: int) -> tuple[Receipt, bool]:
        """Give the batch the next number of the log, in one transaction with its leaf.

        Returns its receipt, and whether the batch had been here before: then nothing changes.
        """
        header = arrival.header
        with self.database.write() as connection:
            there = of_number(connection, header.device, header.epoch, header.batch_no)
            if arrival.sha256 in there:
                return there[arrival.sha256], True
            receipt = Receipt(
                header.device,
                header.epoch,
                header.batch_no,
                arrival.sha256,
                header.rows,
                now_utc_us,
                log_size(connection),
                receipt_state(connection, arrival, number_taken=bool(there)),
            )
            row: dict[str, object] = {
                **asdict(receipt),
                "first_seq": header.first_seq,
                "last_seq": header.last_seq,
                "schema": header.schema,
                "survey": header.survey,
                "created_utc_us": header.created_utc_us,
                "path": arrival.path,
                "bytes": arrival.bytes,
                "receipt_state": receipt.state.value,
                "leaf_hash": leaf_hash(receipt.leaf()).hex(),
                "state": "quarantined" if arrival.code else receipt.state.value,
                "code": arrival.code,
                "detail": arrival.detail,
                "mirrored": False,
            }
            del row["v"]
            connection.execute(_INSERT, row | {"state_sha256": state_digest(row)})
        return receipt, False

    def has_path(self, path: str) -> bool:
        """True if a batch lies at ``path`` of ``raw``."""
        with self.database.read() as connection:
            found = connection.scalar(sa.select(batch.c.log_index).where(batch.c.path == path))
        return found is not None

    def newest_received_utc_us(self) -> int | None:
        """Return when the last batch came."""
        query = sa.select(batch.c.received_utc_us).order_by(batch.c.log_index.desc()).limit(1)
        with self.database.read() as connection:
            received_utc_us: int | None = connection.scalar(query)
        return received_utc_us

    def at(self, log_indices: Sequence[int]) -> list[LandedBatch]:
        """Return the batches of these numbers, in the order of the log."""
        return self._landed(batch.c.log_index.in_(log_indices), len(log_indices))

    def batch_rows(self) -> Iterator[sa.Row[Any]]:
        """Every row of ``batch`` in the order of the log, with all its columns."""
        first = 0
        while True:
            with self.database.read() as connection:
                rows = connection.execute(
                    batch.select()
                    .where(batch.c.log_index >= first)
                    .order_by(batch.c.log_index)
                    .limit(CHUNK_ROWS)
                ).all()
            if not rows:
                return
            yield from rows
            first = rows[-1].log_index + 1

    def epochs(self) -> list[tuple[str, str]]:
        """Return every device and epoch that anything came of."""
        query = sa.select(batch.c.device, batch.c.epoch).distinct()
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(batch.c.device, batch.c.epoch))
            return [(row.device, row.epoch) for row in rows]

    def epoch_rows(self, device: str, epoch: str) -> Sequence[sa.Row[Any]]:
        """Return the rows of one epoch in the order of its batches, with all their columns."""
        query = batch.select().where(batch.c.device == device, batch.c.epoch == epoch)
        with self.database.read() as connection:
            return connection.execute(query.order_by(batch.c.batch_no, batch.c.log_index)).all()

    # What a laptop asks

    def epoch_state(
        self, device: str, epoch: str, *, durable_without_mirror: bool, checkpoint_note: str
    ) -> EpochState:
        """Tell what HQ holds of one epoch."""
        mine = (batch.c.device == device) & (batch.c.epoch == epoch)
        with self.database.read() as connection:
            held = connection.execute(
                sa.select(batch.c.batch_no, sa.func.min(sa.cast(batch.c.mirrored, sa.Integer)))
                .where(mine)
                .group_by(batch.c.batch_no)
                .order_by(batch.c.batch_no)
            ).all()
            bad = connection.execute(
                sa.select(batch.c.batch_no, batch.c.code, batch.c.detail)
                .where(mine, batch.c.state == "quarantined", ~IS_EXPIRED)
                .order_by(batch.c.batch_no, batch.c.log_index)
            ).all()
        durable_upto = -1
        for batch_no, mirrored in held:
            if batch_no != durable_upto + 1 or not (mirrored or durable_without_mirror):
                break
            durable_upto = batch_no
        return EpochState(
            tuple(ranges([batch_no for batch_no, _ in held])),
            durable_upto,
            tuple(Quarantined(*row) for row in bad),
            checkpoint_note,
        )

    # Merge and archive

    def unmerged(self, limit: int) -> list[LandedBatch]:
        """Return batches in state "landed" or "conflict", first come first."""
        return self._landed(batch.c.state.in_(WAITING), limit)

    def quarantine(self, log_index: int, code: str, detail: str) -> None:
        """Set a batch aside: it is held, and not used."""
        with self.database.write() as connection:
            set_states(connection, [log_index], state="quarantined", code=code, detail=detail)

    def swap_archive(
        self, added: Sequence[ArchiveFile], removed: Sequence[str], merged: Sequence[int]
    ) -> None:
        """Change the manifest and tell which batches are in it now, all at once.

        Raises LookupError, with nothing changed, if a removed file is not in the manifest or a
        merged batch does not wait: the changes were made for a manifest that is no more.
        """
        with self.database.write() as connection:
            _change_manifest(connection, added, removed)
            waiting = connection.scalar(
                sa.select(sa.func.count()).where(
                    batch.c.log_index.in_(merged), batch.c.state.in_(WAITING)
                )
            )
            if waiting != len(merged):
                raise LookupError("batches are merged that do not wait for it")
            set_states(connection, merged, state="merged", code="", detail="")

    def archive_files(self, table: str | None = None) -> list[ArchiveFile]:
        """Return the manifest, by path."""
        columns = [archive_file.c[name] for name in ArchiveFile.__dataclass_fields__]
        query = sa.select(*columns).order_by(archive_file.c.path)
        if table is not None:
            query = query.where(archive_file.c.table == table)
        with self.database.read() as connection:
            return [ArchiveFile(**row._mapping) for row in connection.execute(query)]

    def archive_rows(self) -> list[dict[str, object]]:
        """Return the manifest with all its columns, for verifying."""
        with self.database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(archive_file.select())]

    def archive_sum(self) -> str:
        """Return what was noted of all rows of the manifest together, "" if nothing."""
        query = sa.select(meta.c.value).where(meta.c.name == MANIFEST_SUM)
        with self.database.read() as connection:
            return str(connection.scalar(query) or "")

    def forget_archive(self) -> None:
        """Empty the manifest; every batch that HQ still holds waits to be merged again."""
        with self.database.write() as connection:
            connection.execute(archive_file.delete())
            _sum_manifest(connection)
            wait_again(connection, batch.c.state.not_in(WAITING) & ~IS_EXPIRED)

    def reconsider(self, schemas: Sequence[str]) -> int:
        """Let batches wait again that were of a schema unknown then and known now."""
        chosen = (batch.c.code == "schema") & batch.c.schema.in_(schemas)
        with self.database.write() as connection:
            return wait_again(connection, (batch.c.state == "quarantined") & chosen)

    def accept_revoked(self, device: str, now_utc_us: int) -> int:
        """Let batches wait again that came when their device was revoked already."""
        chosen = (batch.c.code == "revoked") & (batch.c.device == device)
        with self.database.write() as connection:
            accepted = wait_again(connection, (batch.c.state == "quarantined") & chosen)
            add_audit(connection, now_utc_us, "operator", "accepted", f"{device} {accepted}")
        return accepted

    # Retention

    def older_than(self, utc_us: int) -> list[LandedBatch]:
        """Return the batches received before then that HQ holds and does not wait to merge."""
        old = (batch.c.received_utc_us < utc_us) & batch.c.state.not_in(WAITING) & ~IS_EXPIRED
        return self._landed(old, None)

    def expired(self) -> list[LandedBatch]:
        """Return the batches that HQ no longer holds."""
        return self._landed(IS_EXPIRED, None)

    def merged(self) -> list[LandedBatch]:
        """Return the batches whose rows are in the archive."""
        return self._landed(batch.c.state == "merged", None)

    def expire(
        self,
        gone: Sequence[int],
        again: Sequence[int],
        added: Sequence[ArchiveFile],
        removed: Sequence[str],
        now_utc_us: int,
        note: str,
    ) -> None:
        """Let go of the batches ``gone`` and change the manifest, all at once; the batches
        ``again`` wait to be merged anew. Raises LookupError as :meth:`swap_archive` does.
        """
        with self.database.write() as connection:
            _change_manifest(connection, added, removed)
            # Nothing of them is left to be copied to a second disk, or to be waited for.
            changes = {"state": "quarantined", "code": EXPIRED, "detail": "", "mirrored": True}
            set_states(connection, gone, **changes)
            for start in range(0, len(again), CHUNK_ROWS):
                wait_again(connection, batch.c.log_index.in_(again[start : start + CHUNK_ROWS]))
            add_audit(connection, now_utc_us, "operator", EXPIRED, note)

    # The second disk

    def unmirrored(self, limit: int) -> list[LandedBatch]:
        """Return batches that lie on HQ's own disk only, first come first."""
        return self._landed(batch.c.mirrored.is_(False) & ~IS_EXPIRED, limit)

    def set_mirrored(self, log_indices: Sequence[int], *, mirrored: bool) -> None:
        """Note that the second disk holds these batches, verified, or that it no longer does."""
        with self.database.write() as connection:
            set_states(connection, log_indices, mirrored=mirrored)

    def quarantined(self, limit: int) -> list[dict[str, Any]]:
        """Return the newest batches that were set aside: which, how many rows, and why."""
        names = ("device", "epoch", "batch_no", "rows", "code", "detail")
        query = (
            sa.select(*(batch.c[name] for name in names))
            .where(batch.c.state == "quarantined", ~IS_EXPIRED)
            .order_by(batch.c.log_index.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def counts(self) -> Counts:
        return count(self.database)

    def per_device(self) -> dict[str, dict[str, int]]:
        """Count by device."""
        return count_per_device(self.database)

    def _landed(self, chosen: sa.ColumnElement[bool], limit: int | None) -> list[LandedBatch]:
        query = sa.select(*_LANDED_COLUMNS).where(chosen).order_by(batch.c.log_index).limit(limit)
        with self.database.read() as connection:
            return [LandedBatch(**row._mapping) for row in connection.execute(query)]


def _change_manifest(
    connection: sa.Connection, added: Sequence[ArchiveFile], removed: Sequence[str]
) -> None:
    for path in removed:
        gone = connection.execute(archive_file.delete().where(archive_file.c.path == path))
        if gone.rowcount != 1:
            raise LookupError(f"{path} is not in the manifest")
    rows = [asdict(one) for one in added]
    if rows:
        connection.execute(
            archive_file.insert(), [row | {"row_sha256": row_digest(row)} for row in rows]
        )
    _sum_manifest(connection)


def _sum_manifest(connection: sa.Connection) -> None:
    rows = connection.execute(sa.select(archive_file.c.row_sha256)).all()
    value = manifest_sum([dict(row._mapping) for row in rows])
    if not connection.execute(
        meta.update().where(meta.c.name == MANIFEST_SUM).values(value=value)
    ).rowcount:
        connection.execute(meta.insert(), {"name": MANIFEST_SUM, "value": value})
