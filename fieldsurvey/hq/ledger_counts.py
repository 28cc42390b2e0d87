"""The ledger in numbers, for ``hq status``."""

from dataclasses import dataclass

import sqlalchemy as sa

from fieldsurvey.hq.ledger_engine import LedgerDatabase
from fieldsurvey.hq.ledger_rows import IS_EXPIRED
from fieldsurvey.hq.ledger_tables import archive_file, batch
from fieldsurvey.wire.receipt import ReceiptState


@dataclass(frozen=True, slots=True)
class Counts:
    """The ledger in numbers."""

    batches: int
    rows: int
    bytes: int
    waiting: int
    merged: int
    quarantined: int
    conflicts: int
    mirrored: int
    unmirrored: int
    archive_files: int
    archive_rows: int
    archive_bytes: int


def count(database: LedgerDatabase) -> Counts:
    """Count."""
    total = sa.func.coalesce
    # "pieces" is the merge's own memory: what came from where.
    measured = sa.case((archive_file.c.table == "pieces", 0), else_=archive_file.c.rows)
    with database.read() as connection:
        expired = connection.scalar(sa.select(total(sa.func.count(), 0)).where(IS_EXPIRED)) or 0
        batches, rows, size = connection.execute(
            sa.select(
                sa.func.count(),
                total(sa.func.sum(batch.c.rows), 0),
                total(sa.func.sum(batch.c.bytes), 0),
            )
        ).one()
        by_state = {
            row.state: row.batches
            for row in connection.execute(
                sa.select(batch.c.state, sa.func.count().label("batches")).group_by(batch.c.state)
            )
        }
        conflicts = connection.scalar(
            sa.select(sa.func.count()).where(batch.c.receipt_state == ReceiptState.CONFLICT)
        )
        unmirrored = connection.scalar(
            sa.select(sa.func.count()).where(batch.c.mirrored.is_(False))
        )
        files, archive_rows, archive_bytes = connection.execute(
            sa.select(
                sa.func.count(archive_file.c.path),
                total(sa.func.sum(measured), 0),
                total(sa.func.sum(archive_file.c.bytes), 0),
            )
        ).one()
    return Counts(
        batches=batches,
        rows=int(rows),
        bytes=int(size),
        waiting=by_state.get("landed", 0) + by_state.get("conflict", 0),
        merged=by_state.get("merged", 0),
        quarantined=by_state.get("quarantined", 0) - expired,
        conflicts=conflicts or 0,
        mirrored=batches - (unmirrored or 0),
        unmirrored=unmirrored or 0,
        archive_files=files,
        archive_rows=int(archive_rows),
        archive_bytes=int(archive_bytes),
    )


def count_per_device(database: LedgerDatabase) -> dict[str, dict[str, int]]:
    """Return "batches", "rows", "quarantined" of each device that sent anything."""
    set_aside = (batch.c.state == "quarantined") & ~IS_EXPIRED
    quarantined = sa.case((set_aside, 1), else_=0)
    query = sa.select(
        batch.c.device,
        sa.func.count().label("batches"),
        sa.func.sum(batch.c.rows).label("rows"),
        sa.func.sum(quarantined).label("quarantined"),
    ).group_by(batch.c.device)
    with database.read() as connection:
        found = [dict(row._mapping) for row in connection.execute(query)]
    return {row.pop("device"): {name: int(row[name]) for name in row} for row in found}
