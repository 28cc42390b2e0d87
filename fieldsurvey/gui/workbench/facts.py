"""What filters, charts and the map ask of a million measurements, as plain arrays.

Made once per opening, in a worker; from then on a question is an operation on arrays and costs
milliseconds. Must not import Qt, nor change the tables it is made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.analysis.measurements import Measurements

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# What a second and a test have in common; a second has the operator and access of its drive.
SHARED_FIELDS = (
    "operator", "access_type", "technology", "campaign", "highway_ref", "settlement_id",
)  # fmt: skip
TEST_FIELDS = (*SHARED_FIELDS, "trigger", "result")
_US_PER_S = 1e6
_OF_DRIVE = ("campaign",)
_SAMPLE_OF_DRIVE = ("campaign", "operator", "access_type")


@dataclass(frozen=True)
class Coded:
    """A column of few words. ``codes`` index ``words``; the last code means "not known"."""

    words: tuple[str, ...]
    codes: NDArray[np.uint32]

    def among(self, wanted: tuple[str, ...]) -> Bools:
        """Return where the word is one of ``wanted``; "" there is "not known"."""
        table = np.zeros(len(self.words) + 1, bool)
        for number, word in enumerate(self.words):
            table[number] = word in wanted
        table[-1] = "" in wanted
        return table[self.codes]

    def is_word(self, word: str) -> Bools:
        return self.among((word,))

    def counts(self) -> dict[str, int]:
        """Return how many rows have each word, "" those that are not known."""
        numbers = np.bincount(self.codes, minlength=len(self.words) + 1)
        return {
            word: int(number)
            for word, number in zip((*self.words, ""), numbers, strict=True)
            if number
        }


@dataclass(frozen=True)
class Rows:
    """One table. ``utc_us`` to ``end_utc_us`` is when, ``utc_s`` the former again for charts along
    time; ``chainage_m`` is NaN off the highways.

    ``fields``: columns of few words by name. ``replayed``: of a replayed drive, or one of which it
    is not known.
    """

    fields: dict[str, Coded]
    drive: NDArray[np.uint32]
    utc_us: Ints
    end_utc_us: Ints
    utc_s: Floats
    chainage_m: Floats
    latitude_deg: Floats
    longitude_deg: Floats
    rsrp_dbm: Floats
    sinr_db: Floats
    replayed: Bools

    def __len__(self) -> int:
        return len(self.utc_us)


@dataclass(frozen=True)
class Facts:
    """``rate_bps`` and latencies belong to tests and are NaN where there is none: a test without
    service has no rate. ``seconds_from``/``seconds_to``: rows of ``samples`` in the order of
    ``sample_order`` (None: as they are) that each test lasted.
    ``settlement_names``: as recorded, by id."""

    tests: Rows
    samples: Rows
    rate_bps: Floats
    idle_latency_us: Floats
    loaded_latency_us: Floats
    reachable: Bools  # also where nobody asked
    round_trip_us: Floats
    seconds_from: Ints
    seconds_to: Ints
    sample_order: Ints | None
    target_bps: int
    settlement_names: Mapping[str, str]

    def seconds_of(self, tests: Bools) -> Bools:
        """Return the seconds during which the tests of a mask were made."""
        size = len(self.samples)
        begun = np.bincount(self.seconds_from[tests], minlength=size + 1)
        ended = np.bincount(self.seconds_to[tests], minlength=size + 1)
        during = np.cumsum((begun - ended)[:size]) > 0
        if self.sample_order is None:
            return during
        mask = np.zeros(size, bool)
        mask[self.sample_order] = during
        return mask


def facts_of(measurements: Measurements, default_target_bps: int) -> Facts:
    """Read the arrays out of the tables; ``default_target_bps`` where no test names a target."""
    tests, samples, drives = measurements.tests, measurements.samples, measurements.drives
    replayed = drives["replayed"].fill_null(True).to_numpy()
    test_rows = Rows(
        {name: _field(name, tests, drives, _OF_DRIVE) for name in TEST_FIELDS},
        tests["drive"].to_numpy(),
        _ints(tests["started_utc_us"]),
        _ints(tests["ended_utc_us"]),
        _ints(tests["started_utc_us"]) / _US_PER_S,
        _floats(tests["chainage_m"]),
        _floats(tests["start_latitude_deg"]),
        _floats(tests["start_longitude_deg"]),
        _floats(tests["rsrp_dbm"]),
        _floats(tests["sinr_db"]),
        _of_drive(replayed, tests),
    )
    sample_rows = Rows(
        {name: _field(name, samples, drives, _SAMPLE_OF_DRIVE) for name in SHARED_FIELDS},
        samples["drive"].to_numpy(),
        _ints(samples["utc_us"]),
        _ints(samples["utc_us"]),
        _ints(samples["utc_us"]) / _US_PER_S,
        _floats(samples["chainage_m"]),
        _floats(samples["latitude_deg"]),
        _floats(samples["longitude_deg"]),
        _floats(samples["rsrp_dbm"]),
        _floats(samples["sinr_db"]),
        _of_drive(replayed, samples),
    )
    order = _order(sample_rows)
    first, end = _seconds(test_rows, sample_rows, order)
    rate = tests["compared_bps"].fill_null(tests["download_bps"])
    return Facts(
        test_rows,
        sample_rows,
        _floats(rate),
        _floats(tests["idle_latency_us"]),
        _floats(tests["download_latency_us"]),
        samples["reachable"].fill_null(True).to_numpy(),
        _floats(samples["round_trip_us"]),
        first,
        end,
        order,
        _usual(tests["target_bps"], default_target_bps),
        _names(tests),
    )


def _names(tests: pl.DataFrame) -> dict[str, str]:
    named = tests.select("settlement_id", "settlement_name").drop_nulls().unique("settlement_id")
    return {str(settlement_id): name for settlement_id, name in named.iter_rows()}


def _floats(column: pl.Series) -> Floats:
    import polars as pl

    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _ints(column: pl.Series) -> Ints:
    return column.fill_null(0).to_numpy()


def _of_drive(values: Bools, rows: pl.DataFrame) -> Bools:
    return values[rows["drive"].to_numpy()] if len(values) else np.zeros(len(rows), bool)


def _field(name: str, rows: pl.DataFrame, drives: pl.DataFrame, of_drive: tuple[str, ...]) -> Coded:
    if name not in of_drive:
        return _coded(rows[name])
    per_drive = _coded(drives[name])
    if not len(drives):
        return Coded((), np.zeros(len(rows), np.uint32))
    return Coded(per_drive.words, per_drive.codes[rows["drive"].to_numpy()])


def _coded(column: pl.Series) -> Coded:
    import polars as pl

    words = column.drop_nulls().unique().cast(pl.String).sort()
    codes = column.cast(pl.Enum(words)).to_physical().cast(pl.UInt32).fill_null(len(words))
    return Coded(tuple(words), codes.to_numpy())


def _usual(targets_bps: pl.Series, default_bps: int) -> int:
    """Return the target that most tests were held against."""
    known = targets_bps.drop_nulls()
    return int(known.mode().sort()[0]) if len(known) else default_bps


def _order(samples: Rows) -> Ints | None:
    """Return what sorts seconds by drive and time, None where they are sorted (as recorded)."""
    drive, utc_us = samples.drive.astype(np.int64), samples.utc_us
    step = np.diff(drive)
    if not len(step) or bool(np.all((step > 0) | ((step == 0) & (np.diff(utc_us) >= 0)))):
        return None
    return np.lexsort((utc_us, drive))


def _seconds(tests: Rows, samples: Rows, order: Ints | None) -> tuple[Ints, Ints]:
    """Return the first row and the row behind the last second of each test."""
    drive = samples.drive if order is None else samples.drive[order]
    utc_us = samples.utc_us if order is None else samples.utc_us[order]
    first, end = np.zeros(len(tests), np.int64), np.zeros(len(tests), np.int64)
    for number in np.unique(tests.drive):
        mine = tests.drive == number
        low, high = np.searchsorted(drive, [number, number + 1])
        first[mine] = low + np.searchsorted(utc_us[low:high], tests.utc_us[mine])
        end[mine] = low + np.searchsorted(utc_us[low:high], tests.end_utc_us[mine], "right")
    return first, end
