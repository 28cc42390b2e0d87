"""A small HQ for the tests of the merge: a real ledger, raw files, and drives that land in it."""

import dataclasses
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fieldsurvey.hq.archive import Archive
from fieldsurvey.hq.ledger import Arrival, Ledger
from fieldsurvey.hq.merge import MergeReport, merge_once
from fieldsurvey.hq.shelf import Folder
from fieldsurvey.wire.batch import SealedBatch
from fieldsurvey.wire.rows import Row
from tests.support.store_values import START_UTC_US, S, a_fix
from tests.support.wire_batches import sealed
from tests.support.wire_drives import driven_rows

NOW_UTC_US = START_UTC_US + 7 * 86_400 * S
DEVICES = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 9)]
EPOCHS = [f"{n:016x}" for n in range(1, 9)]


@dataclass
class SmallHq:
    """``raw``, ``archive`` and a ledger in one folder."""

    folder: Path
    ledger: Ledger

    @classmethod
    def create(cls, folder: Path) -> "SmallHq":
        for name in ("raw", "archive"):
            (folder / name).mkdir(parents=True)
        url = f"sqlite:///{folder / 'ledger.sqlite'}"
        return cls(folder, Ledger.create(url, "hq.example/log/1"))

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def land(self, batches: Iterable[SealedBatch], now_utc_us: int = NOW_UTC_US) -> None:
        """Let batches arrive, as the landing would."""
        for batch in batches:
            header = batch.header
            path = f"{header.device}/{header.epoch}/{header.batch_no}-{batch.sha256[:16]}.fsb"
            (self.raw / path).parent.mkdir(parents=True, exist_ok=True)
            (self.raw / path).write_bytes(batch.content)
            arrival = Arrival(header, batch.sha256, path, len(batch.content))
            self.ledger.append(arrival, now_utc_us)

    def merge(self, limit: int = 500, **options: int | None) -> MergeReport:
        return merge_once(self.ledger, Folder(self.raw), Folder(self.archive), limit, **options)

    def merge_all(self, limit: int = 500) -> None:
        while self.ledger.counts().waiting:
            self.merge(limit)

    def table(self, name: str) -> pl.DataFrame:
        """All rows of a table that count, in one order."""
        archive = Archive(Folder(self.archive))
        frames = [archive.read(file) for file in self.ledger.archive_files(name)]
        if not frames:
            return pl.DataFrame()
        together = pl.concat(frames).with_columns(pl.col(pl.Categorical).cast(pl.String()))
        return together.sort(["device", "epoch", "seq", "drive_id", "ts_utc_us"])

    def tables(self) -> dict[str, list[tuple[object, ...]]]:
        """What the archive says, whatever files it is in."""
        names = ("samples", "tests", "events", "drives")
        return {name: sorted(self.table(name).rows(), key=repr) for name in names}

    def codes(self) -> dict[int, str]:
        """Why batches were set aside, by their place in the log."""
        return {row.log_index: row.code for row in self.ledger.batch_rows() if row.code}


def small_drive(seed: int, seconds: int = 24, *, replayed: bool = False) -> list[Row]:
    """A drive of some seconds with fixes, a modem, tests and its end."""
    fixes = [a_fix(second, north_m=23.0 * second) for second in range(1, seconds)]
    rows = driven_rows(fixes, radio=True, test_every_s=8, seed=seed)
    if not replayed:
        return rows
    drive = dataclasses.replace(rows[0].value, replayed=True)
    return [dataclasses.replace(rows[0], value=drive), *rows[1:]]


def cut(
    rows: Sequence[Row], sizes: Iterable[int], device: str, epoch: str, first_no: int = 0
) -> list[SealedBatch]:
    """Seal rows in batches of such sizes."""
    batches, at = [], 0
    for number, size in enumerate(sizes, first_no):
        part = rows[at : at + size]
        if part:
            batches.append(sealed(part, device=device, epoch=epoch, batch_no=number))
        at += size
    return batches


def renumbered(rows: Sequence[Row], first_seq: int) -> list[Row]:
    """The same rows under other numbers, as in another file."""
    return [dataclasses.replace(row, seq=first_seq + n) for n, row in enumerate(rows)]


def troubled_fleet() -> list[SealedBatch]:
    """Batches of laptops to which everything happens: a plain one, a replay, one whose file was
    restored from an older copy, one that was cloned while it drove, one whose rows went to two
    files."""
    plain, replay = small_drive(1), small_drive(2, replayed=True)
    restored, cloned, rescued = small_drive(3), small_drive(4), small_drive(5)
    other = [
        dataclasses.replace(row, drive_id=small_drive(6)[0].drive_id)
        for row in renumbered(small_drive(6), 31)
    ]
    batches = cut(plain, [9, 20, 20, 99], DEVICES[0], EPOCHS[0])
    batches += cut(replay, [1, 5, 99], DEVICES[1], EPOCHS[1])
    batches += cut(restored, [20, 30], DEVICES[2], EPOCHS[2])
    batches += cut(restored[10:], [15, 99], DEVICES[2], EPOCHS[3])  # from the copy on, once more
    batches += cut(cloned, [30, 30], DEVICES[3], EPOCHS[4])
    batches += cut([*cloned[:30], *other], [30, 99], DEVICES[3], EPOCHS[4])[1:]  # the clone's
    batches += cut(cloned, [30, 20], DEVICES[3], EPOCHS[4])[1:]  # the same rows in other pieces
    batches += cut(rescued, [40], DEVICES[4], EPOCHS[5])
    batches += cut(renumbered(rescued[25:], 1), [99], DEVICES[4], EPOCHS[6])
    return batches


def shuffled(batches: Sequence[SealedBatch], seed: int) -> list[SealedBatch]:
    """Another order of arrival."""
    order = list(batches)
    random.Random(seed).shuffle(order)
    return order
