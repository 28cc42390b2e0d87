"""One landed batch, read and judged; or the reason why it cannot be used.

A function of the batch's bytes and its row in the ledger alone: batches may be read in any order
and side by side. What is doubtful sets the whole batch aside; it is held, and can be read again.
"""

import errno
import functools
import hashlib
from dataclasses import dataclass

import polars as pl

from fieldsurvey.hq.archive_tables import SAMPLE_COLUMNS
from fieldsurvey.hq.ledger_records import LandedBatch
from fieldsurvey.hq.merge_records import Values, table_rows
from fieldsurvey.hq.shelf import Shelf
from fieldsurvey.wire.batch import parse_batch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.rows import SCHEMA, dense_and_records

_LOST = (errno.ENOENT, errno.EIO)  # of a file that is gone, or of a disk that lost it
LAST_UTC_US = 253_402_300_799_999_999  # year 9999
_UTC_COLUMNS = ("utc_us", "radio_utc_us", "fix_utc_us", "fix_gnss_utc_us")


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """``samples``: the columns of ``DENSE_COLUMNS``; ``records``: table and columns of the rest."""

    landed: LandedBatch
    samples: pl.DataFrame
    records: list[tuple[str, Values]]

    @property
    def drives(self) -> list[str]:
        """Return the drive of each sample, then of each record."""
        drives: list[str] = self.samples["drive_id"].to_list()
        return drives + [values["drive_id"] for _, values in self.records]

    @property
    def drive_ids(self) -> set[str]:
        return {
            *self.samples["drive_id"].unique(),
            *(values["drive_id"] for _, values in self.records),
        }


@dataclass(frozen=True, slots=True)
class RefusedBatch:
    """``code``: "damaged", "schema", "payload" or "range"."""

    landed: LandedBatch
    code: str
    detail: str


class _RefusedError(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


def read_batch(landed: LandedBatch, raw: Shelf) -> ReadBatch | RefusedBatch:
    """Read and check one batch."""
    try:
        samples, records = dense_and_records(_payload(landed, raw))
        frame = pl.from_arrow(samples)
        assert isinstance(frame, pl.DataFrame)
        read = ReadBatch(landed, frame, list(table_rows(records)))
        _check(read)
    except _RefusedError as refusal:
        return RefusedBatch(landed, refusal.code, refusal.detail)
    except WireError as error:
        return RefusedBatch(landed, "payload", error.detail)
    return read


def _payload(landed: LandedBatch, raw: Shelf) -> bytes:
    try:
        content = raw.fetch(landed.path, landed.sha256).read_bytes()
    except OSError as error:
        if error.errno not in _LOST:
            raise  # it is this computer that is in trouble: the merge is tried again
        raise _RefusedError("damaged", f"cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(content).hexdigest() != landed.sha256:
        raise _RefusedError("damaged", "not the bytes that were receipted")
    if landed.schema != SCHEMA:
        raise _RefusedError("schema", landed.schema)
    return parse_batch(content).payload


def _check(read: ReadBatch) -> None:
    """Refuse what the laptop's tables would not have taken: our laptops did not measure it."""
    for _, values in read.records:
        _check_record(values)
    samples = read.samples
    good = samples.select(_SAMPLE_CHECKS).row(0, named=True)
    bad = [name for name, is_good in good.items() if not is_good]
    if bad:
        raise _RefusedError("range", ", ".join(bad))
    first, last = samples["seq"].min(), samples["seq"].max()
    seqs = {seq for seq in (first, last) if isinstance(seq, int)}
    seqs |= {values["seq"] for _, values in read.records}
    if seqs and not read.landed.first_seq <= min(seqs) <= max(seqs) <= read.landed.last_seq:
        raise _RefusedError("payload", "rows are not those of the header")


def _sample_checks() -> list[pl.Expr]:
    reals = [name for name, kind in SAMPLE_COLUMNS.items() if kind == pl.Float64()]
    checks = {name: pl.col(name).is_between(0, LAST_UTC_US) for name in _UTC_COLUMNS}
    checks |= {name: pl.col(name).is_finite() for name in reals}
    checks |= {
        "fix_latitude_deg": pl.col("fix_latitude_deg").is_between(-90, 90),
        "fix_longitude_deg": pl.col("fix_longitude_deg").is_between(-180, 180),
        "round_trip_us": pl.col("round_trip_us") >= 0,
        "fix_age_us": pl.col("fix_age_us") >= 0,
        "cause": pl.col("reachable") | pl.col("cause").is_not_null(),
    }
    return [check.all(ignore_nulls=True).alias(name) for name, check in checks.items()]


_SAMPLE_CHECKS = _sample_checks()


def _check_record(values: Values) -> None:
    for name, value in values.items():
        if isinstance(value, int | float):
            low, high = _limits(name)
            if not low <= value <= high:
                raise _RefusedError("range", name)


@functools.cache
def _limits(name: str) -> tuple[float, float]:
    """Return what a number of that name may be; not a number is in no range."""
    if name.endswith("utc_us"):
        return 0, LAST_UTC_US
    if name.endswith("latitude_deg"):
        return -90, 90
    if name.endswith("longitude_deg"):
        return -180, 180
    if name.endswith(("_bps", "_bytes")):
        return 0, 2**63 - 1
    return -(2**63), 2**63 - 1
