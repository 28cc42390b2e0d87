"""What is judged and shown at a desk: seconds, tests and drives of any source, as three tables.

A survey file, the archive and another tool's log look alike here. Must not read files, nor know a
place: who opens a source fills the tables (:mod:`fieldsurvey.export.opening`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from fieldsurvey.model.messages import Message, message

_WORD = pl.Categorical()

DRIVE_COLUMNS: dict[str, pl.DataType] = {
    "drive_id": pl.String(),
    "source": pl.String(),  # name of the file or folder it came from
    "device": pl.String(),  # of HQ's archive; null in a survey file
    "campaign": pl.String(),  # the survey plan's name
    "operator": pl.String(),
    "access_type": pl.String(),
    "started_utc_us": pl.Int64(),
    "ended_utc_us": pl.Int64(),
    "position_uri": pl.String(),
    "app_version": pl.String(),  # of the program that recorded it
    "replayed": pl.Boolean(),  # null while it is not known: no evidence either
    # True where the drive has none of its own: its links have, and so its tests. Whose modem a
    # second heard is not known then.
    "operators_of_links": pl.Boolean(),
    "access_types_of_links": pl.Boolean(),
}

# One second each. ``drive`` is the row in the table of drives.
SAMPLE_COLUMNS: dict[str, pl.DataType] = {
    "drive": pl.UInt32(),
    "run": pl.Int32(),  # positions of two runs are never joined
    "utc_us": pl.Int64(),
    "reachable": pl.Boolean(),  # null where nobody asked: another tool recorded it
    "cause": _WORD,
    "round_trip_us": pl.Int32(),
    "latitude_deg": pl.Float64(),  # null without a fresh fix, as in exports
    "longitude_deg": pl.Float64(),
    "speed_mps": pl.Float32(),
    "technology": _WORD,
    "rsrp_dbm": pl.Float32(),
    "sinr_db": pl.Float32(),
    "highway_ref": _WORD,
    "chainage_m": pl.Float64(),
    "settlement_id": _WORD,
}

# ``result`` is the one thing a test is counted as (:class:`fieldsurvey.model.tally.Result`).
# Rates stand for completed phases only. Places and positions are null where not known.
TEST_COLUMNS: dict[str, pl.DataType] = {
    "drive": pl.UInt32(),
    "test_id": pl.String(),
    "started_utc_us": pl.Int64(),
    "ended_utc_us": pl.Int64(),
    "operator": _WORD,  # of the link, else of the drive
    "access_type": _WORD,
    "technology": _WORD,  # of the second it began in; null where the modem did not say
    "rsrp_dbm": pl.Float32(),  # of that second
    "sinr_db": pl.Float32(),
    "link": _WORD,
    "trigger": _WORD,
    "protocol": _WORD,
    "mode": _WORD,
    "outcome": _WORD,
    "cause": _WORD,
    "result": _WORD,
    "verdict": _WORD,  # as judged when it was made
    "confidence": _WORD,
    "rule": _WORD,
    "target_id": _WORD,
    "target_version": _WORD,
    "target_bps": pl.Int64(),
    "compared_bps": pl.Int64(),  # the download in the target's layer
    "download_bps": pl.Int64(),
    "download_low_bps": pl.Int64(),
    "download_high_bps": pl.Int64(),
    "upload_bps": pl.Int64(),
    "idle_latency_us": pl.Int64(),  # medians of round trips
    "download_latency_us": pl.Int64(),
    "wire_bytes": pl.Int64(),
    "start_latitude_deg": pl.Float64(),
    "start_longitude_deg": pl.Float64(),
    "end_latitude_deg": pl.Float64(),
    "end_longitude_deg": pl.Float64(),
    "highway_ref": _WORD,  # where it began
    "chainage_m": pl.Float64(),
    "end_chainage_m": pl.Float64(),
    "settlement_id": _WORD,
    "settlement_name": pl.String(),
    "confirms": pl.String(),
    "server_url": _WORD,
    "detail": pl.String(),
    "tags": pl.String(),  # a JSON object
}


@dataclass(frozen=True, slots=True)
class Measurements:
    """``drives``, ``samples`` and ``tests`` have exactly the columns above.

    ``sources``: names of what was opened. ``places_version``: of the places file the places were
    derived by, None where they are as recorded. ``failed``: what could not be opened, and why;
    ``notes``: what has to be known of what was.
    """

    drives: pl.DataFrame
    samples: pl.DataFrame
    tests: pl.DataFrame
    sources: tuple[str, ...] = ()
    places_version: str | None = None
    failed: tuple[Message, ...] = ()
    notes: tuple[Message, ...] = ()

    def evidence(self) -> Measurements:
        """Return it without replayed drives, and those of which it is not known."""
        counts = self.drives.with_row_index("drive").filter(~pl.col("replayed"))["drive"]
        return self.of_drives(counts)

    def of_drives(self, drives: pl.Series) -> Measurements:
        """Return the rows of some drives. ``drives`` stays whole, so that ``drive`` still holds."""
        chosen = drives.cast(pl.UInt32)
        return replace(
            self,
            samples=self.samples.filter(pl.col("drive").is_in(chosen.implode())),
            tests=self.tests.filter(pl.col("drive").is_in(chosen.implode())),
        )


def nothing() -> Measurements:
    """Return tables without rows."""
    return Measurements(
        pl.DataFrame(schema=DRIVE_COLUMNS),
        pl.DataFrame(schema=SAMPLE_COLUMNS),
        pl.DataFrame(schema=TEST_COLUMNS),
    )


def together(parts: Sequence[Measurements]) -> Measurements:
    """Return several sources as one. A drive that came twice (a survey file and the archive) counts
    once: of the source that has more of its seconds."""
    whole = nothing()
    for part in parts:
        offset = len(whole.drives)
        shifted = [
            table.with_columns(pl.col("drive") + pl.lit(offset, pl.UInt32))
            for table in (part.samples, part.tests)
        ]
        whole = Measurements(
            pl.concat([whole.drives, part.drives]),
            pl.concat([whole.samples, shifted[0]]),
            pl.concat([whole.tests, shifted[1]]),
            (*whole.sources, *part.sources),
            part.places_version,
            (*whole.failed, *part.failed),
            (*whole.notes, *part.notes),
        )
    return _each_drive_once(whole)


def _each_drive_once(whole: Measurements) -> Measurements:
    if not whole.drives["drive_id"].is_duplicated().any():
        return whole
    copies = whole.drives.with_row_index("drive")
    for rows, name in ((whole.samples, "seconds"), (whole.tests, "tests")):
        copies = copies.join(rows.group_by("drive").len(name), on="drive", how="left")
    copies = copies.with_columns(pl.col("seconds", "tests").fill_null(0)).sort(
        "seconds", "tests", "drive", descending=[True, True, False]
    )
    best = copies.unique("drive_id", keep="first", maintain_order=True)
    once = whole.of_drives(best["drive"])
    return replace(once, notes=(*once.notes, *_unlike(copies)))


def _unlike(copies: pl.DataFrame) -> tuple[Message, ...]:
    """Return what to know of drives whose ``copies``, best first, hold not the same."""
    counts = pl.struct("seconds", "tests")
    unlike = copies.filter(counts.n_unique().over("drive_id") > 1)
    if unlike.is_empty():
        return ()
    best = unlike.row(0, named=True)
    of_it = unlike.filter(pl.col("drive_id") == best["drive_id"])
    other = of_it.filter(counts != counts.first()).row(0, named=True)
    note = message(
        "analysis.drive_twice",
        drives=unlike["drive_id"].n_unique(),
        **{name: best[name] for name in ("source", "seconds", "tests")},
        **{f"other_{name}": other[name] for name in ("source", "seconds", "tests")},
    )
    return (note,)
