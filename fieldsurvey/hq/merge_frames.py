"""Batches that were read as frames of the archive's tables: times settled, cells found.

Row by row it is a function of the row's own batch; several are taken together for speed only.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from fieldsurvey.analysis.h3_index import RESOLUTIONS, cells, parents
from fieldsurvey.hq.archive_tables import CELLS, TABLES, Schema
from fieldsurvey.hq.ledger_records import LandedBatch
from fieldsurvey.hq.merge_reading import LAST_UTC_US, ReadBatch
from fieldsurvey.hq.merge_records import Values, clocks
from fieldsurvey.hq.settle import Anchors, TimeQuality, is_plausible, settle
from fieldsurvey.model.throughput import Cause

Frames = dict[str, pl.DataFrame]

# As a drive itself: after that the car is elsewhere, and the place is not known.
MOST_FIX_AGE_US = 5_000_000

_FIX_CLOCKS = ("fix_mono_us", "fix_utc_us", "fix_gnss_utc_us", "fix_flags")


def frames_of(batches: Sequence[ReadBatch]) -> Frames:
    """Return all tables, complete but for ``replayed`` where a drive's own row says it."""
    rows: dict[str, list[Values]] = {"tests": [], "events": [], "drives": []}
    samples: list[pl.DataFrame] = []
    pieces: list[Values] = []
    for batch in batches:
        times = _Times(batch)
        same = _origin(batch.landed)
        for (table, values), settled in zip(batch.records, times.of_records, strict=True):
            rows[table].append(values | same | settled)
        samples.append(
            batch.samples.with_columns(
                pl.Series("ts_utc_us", times.ts_utc_us),
                pl.Series("time_quality", times.quality, pl.String()),
                *(pl.lit(value).alias(name) for name, value in same.items()),
            )
        )
        pieces += _pieces(batch, times, same)
    frames = {table: _frame_of(table, values) for table, values in rows.items()}
    frames["pieces"] = _frame_of("pieces", pieces)
    if samples:
        told = pl.concat(samples).with_columns(reachable=_asked(), replayed=None, operator=None)
        frames["samples"] = _finished("samples", told)
    else:
        frames["samples"] = _frame_of("samples", [])
    return frames


def _asked() -> pl.Expr:
    """``reachable``, but null where another tool recorded the second and did not ask."""
    not_asked = pl.col("cause").cast(pl.String()) == Cause.NOT_ASKED.value
    return pl.when(not_asked.fill_null(value=False)).then(None).otherwise("reachable")


def _origin(landed: LandedBatch) -> Values:
    return {"device": landed.device, "epoch": landed.epoch, "survey": landed.survey}


class _Times:
    """Settles the times of one batch, drive by drive. Rows are the samples, then the records.

    ``ts_utc_us`` and ``quality`` are of the samples, ``of_records`` the columns of the records;
    ``drive_of_row`` are places in ``drive_ids``.
    """

    def __init__(self, batch: ReadBatch) -> None:
        self._batch = batch
        samples, count = batch.samples, len(batch.samples)
        places: dict[str, int] = {}
        self.drive_of_row = np.array(
            [places.setdefault(drive_id, len(places)) for drive_id in batch.drives], np.int64
        )
        self.drive_ids = list(places)
        timed = [clocks(values) for _, values in batch.records]
        both = [at for at, pair in enumerate(timed) if None not in pair]
        utc_us, mono_us = (
            np.append(samples[name].to_numpy(), np.array([timed[at][n] for at in both], np.int64))
            for n, name in enumerate(("utc_us", "mono_us"))
        )
        drive_of = np.append(
            self.drive_of_row[:count], self.drive_of_row[count + np.array(both, np.int64)]
        )
        ts_utc_us = utc_us.copy()
        quality = np.full(len(utc_us), TimeQuality.DOUBTFUL.value, object)
        for place, drive_id in enumerate(self.drive_ids):
            rows = drive_of == place
            ts_utc_us[rows], quality[rows] = settle(
                mono_us[rows], utc_us[rows], self._anchors(drive_id), self._received_utc_us
            )
        self.ts_utc_us, self.quality = ts_utc_us[:count], quality[:count]
        settled = dict(
            zip(both, zip(ts_utc_us[count:].tolist(), quality[count:], strict=True), strict=True)
        )
        self.of_records = [
            self._columns(values, *(settled.get(at) or self._without_monotonic(values)))
            for at, (_, values) in enumerate(batch.records)
        ]

    @property
    def _received_utc_us(self) -> int:
        return self._batch.landed.received_utc_us

    def _anchors(self, drive_id: str) -> Anchors:
        samples = self._batch.samples
        known = samples.filter(pl.col("drive_id") == drive_id).select(_FIX_CLOCKS).drop_nulls()
        mono_us, utc_us, gnss_utc_us, flags = (known[name].to_numpy() for name in _FIX_CLOCKS)
        return Anchors.of(mono_us, utc_us, gnss_utc_us, flags, self._received_utc_us)

    def _without_monotonic(self, values: Values) -> tuple[int, str]:
        """Return the wall clock's time, or without one the time of the sample before."""
        utc_us, _ = clocks(values)
        if utc_us is not None:
            plausible = is_plausible(np.array([utc_us]), self._received_utc_us)[0]
            return utc_us, TimeQuality.WALL.value if plausible else TimeQuality.DOUBTFUL.value
        if len(self.ts_utc_us) == 0:
            return self._received_utc_us, TimeQuality.DOUBTFUL.value
        after = int(self._batch.samples["seq"].search_sorted(values["seq"]))
        quality = self.quality[max(0, after - 1)]
        if quality == TimeQuality.GNSS.value:
            quality = TimeQuality.ANCHORED.value
        return int(self.ts_utc_us[max(0, after - 1)]), quality

    def _columns(self, values: Values, ts_utc_us: int, quality: str) -> Values:
        columns = {"ts_utc_us": ts_utc_us, "time_quality": quality}
        if "ended_mono_us" in values:
            lasted_us = values["ended_mono_us"] - values["started_mono_us"]
            columns["ended_ts_utc_us"] = max(0, min(ts_utc_us + lasted_us, LAST_UTC_US))
        return columns


def _pieces(batch: ReadBatch, times: _Times, same: Values) -> Iterator[Values]:
    """Yield what the merge remembers of each drive in a batch."""
    of_records = (
        np.array([values["seq"] for _, values in batch.records], np.int64),
        np.array([settled["ts_utc_us"] for settled in times.of_records], np.int64),
    )
    seq = np.append(batch.samples["seq"].to_numpy(), of_records[0])
    ts_utc_us = np.append(times.ts_utc_us, of_records[1])
    for place, drive_id in enumerate(times.drive_ids):
        rows = times.drive_of_row == place
        yield same | {
            "drive_id": drive_id,
            "batch_no": batch.landed.batch_no,
            "seq": int(seq[rows].min()),
            "last_seq": int(seq[rows].max()),
            "ts_utc_us": int(ts_utc_us[rows].min()),
            "last_ts_utc_us": int(ts_utc_us[rows].max()),
        }


def _frame_of(table: str, rows: list[Values]) -> pl.DataFrame:
    told: Schema = {
        name: pl.String() if kind == pl.Categorical() else kind
        for name, kind in TABLES[table].items()
        if name not in CELLS
    }
    columns = {name: [values.get(name) for values in rows] for name in told}
    return _finished(table, pl.DataFrame(columns, schema=told))


def _finished(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Add cells where the table has them; return its columns in their order and types."""
    if table == "samples":
        frame = frame.with_columns(_cells(frame, {"fix_": "fix_age_us"}))
    elif table == "tests":
        frame = frame.with_columns(
            _cells(frame, {"start_": "start_fix_age_us", "end_": "end_fix_age_us"})
        )
    return frame.select(pl.col(name).cast(kind) for name, kind in TABLES[table].items())


def _cells(frame: pl.DataFrame, fixes: Mapping[str, str]) -> list[pl.Series]:
    """Return the cells of the first fix that is there and fresh; null without one.

    ``fixes``: prefix of a fix's columns → the column of its age.
    """
    latitude_deg, longitude_deg = (
        _coalesced(
            frame,
            [
                pl.when(pl.col(age_us) <= MOST_FIX_AGE_US).then(pl.col(prefix + name))
                for prefix, age_us in fixes.items()
            ],
        )
        for name in ("latitude_deg", "longitude_deg")
    )
    known = ~(np.isnan(latitude_deg) | np.isnan(longitude_deg))
    finest = np.zeros(len(known), np.int64)
    finest[known] = cells(latitude_deg[known], longitude_deg[known])
    unknown = pl.Series(~known)
    return [
        pl.Series(f"h3_{resolution}", parents(finest, resolution)).set(unknown, None)
        for resolution in RESOLUTIONS
    ]


def _coalesced(frame: pl.DataFrame, values: Sequence[pl.Expr]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = (
        frame.select(pl.coalesce(values).fill_null(float("nan"))).to_series().to_numpy()
    )
    return found
