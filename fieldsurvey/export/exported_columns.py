"""Exported columns back as the columns of the tables: the way back of :mod:`columns`.

Text and typed values alike. What an export does not hold (bins, single round trips, the steady
clock) stays unknown; what of it has no place in the model becomes a tag (:mod:`untold`). Must read
any export since the first: columns may be missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from fieldsurvey.export.columns import (
    BPS_PER_MBPS,
    KMH_PER_MPS,
    M_PER_KM,
    PERMILLE_PER_PERCENT,
    US_PER_MS,
    US_PER_S,
)
from fieldsurvey.export.reading import tags_of
from fieldsurvey.export.tables import SAMPLE_COLUMNS, TEST_COLUMNS, schema
from fieldsurvey.export.untold import LATENCIES
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.radio import AccessType, RadioTechnology
from fieldsurvey.model.throughput import (
    Cause,
    InterfaceKind,
    Mode,
    Outcome,
    SelfLimit,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Verdict

if TYPE_CHECKING:
    import polars as pl

# Exported name → name in the table and factor; other columns have one name and one unit.
_SAMPLES: dict[str, tuple[str, float | None]] = {
    "sampled_utc": ("utc_us", None),
    "no_service_cause": ("cause", None),
    "round_trip_ms": ("round_trip_us", US_PER_MS),
    "tracking_area_id": ("tracking_area", None),
}
_TESTS: dict[str, tuple[str, float | None]] = {
    "started_utc": ("started_utc_us", None),
    "ended_utc": ("ended_utc_us", None),
    "compared_mbps": ("compared_bps", BPS_PER_MBPS),
    "target_mbps": ("target_bps", BPS_PER_MBPS),
    "verdict_rule": ("rule", None),
    "duration_s": ("duration_us", US_PER_S),
    "data_used_bytes": ("wire_bytes", None),
    "maximum_segment_bytes": ("mss_bytes", None),
    "confirms_test_id": ("confirms", None),
    "pace_mbps": ("pace_bps", BPS_PER_MBPS),
    "self_limits": ("limits", None),
    "cpu_share_percent": ("cpu_permille", PERMILLE_PER_PERCENT),
    "machine_cpu_share_percent": ("machine_cpu_permille", PERMILLE_PER_PERCENT),
    "event_loop_lag_ms": ("loop_lag_us", US_PER_MS),
}
for _phase in ("download", "upload"):
    _TESTS |= {
        f"{_phase}_mbps": (f"{_phase}_bps", BPS_PER_MBPS),
        f"{_phase}_low_mbps": (f"{_phase}_low_bps", BPS_PER_MBPS),
        f"{_phase}_high_mbps": (f"{_phase}_high_bps", BPS_PER_MBPS),
        f"{_phase}_duration_s": (f"{_phase}_duration_us", US_PER_S),
        f"{_phase}_ramp_s": (f"{_phase}_ramp_us", US_PER_S),
        f"{_phase}_batches_count": (f"{_phase}_batches", None),
        f"{_phase}_connections_count": (f"{_phase}_connections", None),
        f"{_phase}_latency_lost_count": (f"{_phase}_latency_lost", None),
        f"{_phase}_min_round_trip_ms": (f"{_phase}_min_round_trip_us", US_PER_MS),
    }
_FIX: dict[str, tuple[str, float | None]] = {
    "speed_kmh": ("speed_mps", 1 / KMH_PER_MPS),
    "satellites_count": ("satellites", None),
    "fix_age_s": ("fix_age_us", US_PER_S),
    "gnss_utc": ("gnss_utc_us", None),
    "chainage_km": ("chainage_m", M_PER_KM),
}
for _prefix, _names in (("", _SAMPLES), ("start_", _TESTS), ("end_", _TESTS)):
    _names |= {_prefix + name: (_prefix + other, by) for name, (other, by) in _FIX.items()}

# By name in the table: columns that hold one of a few words, or several joined by "|".
_KINDS: dict[str, type[StrEnum]] = {
    "access_type": AccessType,
    "cause": Cause,
    "confidence": Confidence,
    "interface_kind": InterfaceKind,
    "limits": SelfLimit,
    "mode": Mode,
    "outcome": Outcome,
    "target_layer": RateLayer,
    "technology": RadioTechnology,
    "trigger": Trigger,
    "verdict": Verdict,
}
for _phase in ("download", "upload"):
    _KINDS |= {f"{_phase}_outcome": Outcome, f"{_phase}_cause": Cause}

_TRUTH = {"true": True, "false": False, "истина": True, "ложь": False}
_KEPT_AS_TAGS = (
    *LATENCIES,  # an export puts these back
    "download_retransmission_percent",
    "upload_retransmission_percent",
)


def sample_rows(exported: pl.DataFrame) -> pl.DataFrame:
    """Return seconds with the columns of ``SAMPLE_COLUMNS`` that are there, and ``replayed``."""
    return _back(exported, _SAMPLES, SAMPLE_COLUMNS)


def not_asked_unless_told(rows: pl.DataFrame) -> pl.DataFrame:
    """Return :func:`sample_rows` of a choice of columns that may lack whether the server answered,
    or why it did not: what does not say that it was reached is neither service nor none."""
    import polars as pl

    if {"reachable", "cause"} <= set(rows.columns):
        return rows
    nothing = pl.lit(None, dtype=pl.String)
    cause = pl.col("cause") if "cause" in rows.columns else nothing
    reached = pl.col("reachable") if "reachable" in rows.columns else pl.lit(value=False)
    reached = reached.fill_null(value=False)
    untold = pl.coalesce(cause, pl.lit(Cause.NOT_ASKED.value))
    return rows.with_columns(
        reachable=reached, cause=pl.when(reached).then(nothing).otherwise(untold)
    )


class StrangeCellError(ValueError):
    """A cell is not as we write it."""

    def __init__(self, column: str, said: str) -> None:
        super().__init__(column, said)
        self.column, self.said = column, said


def strange_cell(error: StrangeCellError, path: Path) -> KnownError:
    """Say which cell of the file at ``path`` it is."""
    return KnownError("import.strange_cell", path=path, column=error.column, said=error.said)


def test_rows(exported: pl.DataFrame) -> pl.DataFrame:
    """Return tests with the columns of ``TEST_COLUMNS`` that are there, and ``replayed``."""
    rows = _back(exported, _TESTS, TEST_COLUMNS)
    names = [name for name in _KEPT_AS_TAGS if name in exported.columns]
    if not names:
        return rows
    kept = tags_of(exported.select(names))
    if "tags" not in rows.columns:
        return rows.with_columns(tags=kept)
    both = rows["tags"].str.strip_suffix("}") + ", " + kept.str.strip_prefix("{")
    tags = both.zip_with(both.is_not_null(), rows["tags"])
    return rows.with_columns(tags=tags.zip_with(tags.is_not_null(), kept))


def _back(
    exported: pl.DataFrame,
    renamed: Mapping[str, tuple[str, float | None]],
    columns: Mapping[str, str],
) -> pl.DataFrame:
    kinds = schema(columns)
    found = {}
    for name in exported.columns:
        target, factor = renamed.get(name, (name, None))
        if target in kinds:
            found[target] = _value(exported[name], target, kinds[target], factor)
    import polars as pl

    if "replayed" in exported.columns:
        found["replayed"] = _truth(exported["replayed"])
    return pl.DataFrame(found)


def _value(cells: pl.Series, target: str, kind: pl.DataType, factor: float | None) -> pl.Series:
    import polars as pl

    if target.endswith("fix_type"):
        return _numbered(cells, _fix_types())
    if target.endswith("fix_flags"):
        return _numbered(cells, _fix_flags())
    if kind == pl.Boolean:
        return _truth(cells)
    if target.endswith("utc_us"):
        return _time_us(cells)
    if kind == pl.String:
        return _words(cells.cast(pl.String), target)
    number = _understood(cells, cells.cast(pl.Float64, strict=False))
    if factor is not None:
        number = number * factor
    if kind == pl.Int64:
        return _understood(cells, number.round().cast(pl.Int64, strict=False))
    return number


def _words(cells: pl.Series, target: str) -> pl.Series:
    """Return texts. Raises StrangeCellError where one is none of the words there are, as those of a
    newer FieldSurvey may be."""
    said = cells.drop_nulls().unique(maintain_order=True)
    if target == "tags":
        strange = [text for text in said if not _is_object(text)]
    elif target in _KINDS:
        known = {*_KINDS[target]}
        strange = [text for text in said if not known.issuperset(text.split("|"))]
    else:
        return cells
    if strange:
        raise StrangeCellError(cells.name, strange[0])
    return cells


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _truth(cells: pl.Series) -> pl.Series:
    """Return truth as it was exported, or as a spreadsheet spells it. Raises StrangeCellError for
    other words: what is not understood is not false."""
    import polars as pl

    if cells.dtype == pl.Boolean:
        return cells
    said = cells.str.to_lowercase().replace("", None)
    if len(strange := said.filter(~said.is_in(list(_TRUTH)))):
        raise StrangeCellError(cells.name, strange[0])
    return said.replace_strict(_TRUTH, default=None, return_dtype=pl.Boolean)


def _time_us(cells: pl.Series) -> pl.Series:
    import polars as pl

    if cells.dtype == pl.String:
        form = "%Y-%m-%dT%H:%M:%S%.fZ"
        cells = _understood(cells, cells.str.to_datetime(form, time_unit="us", strict=False))
    return cells.dt.timestamp("us")


def _understood(cells: pl.Series, values: pl.Series) -> pl.Series:
    """Return ``values``. Raises StrangeCellError where a cell has become none."""
    lost = cells.filter(values.is_null() & cells.is_not_null())
    if len(lost):
        raise StrangeCellError(cells.name, str(lost[0]))
    return values


def _numbered(cells: pl.Series, numbers: dict[str, int]) -> pl.Series:
    import polars as pl

    return cells.cast(pl.String).replace_strict(numbers, default=None, return_dtype=pl.Int64)


def _fix_types() -> dict[str, int]:
    from fieldsurvey.model.position import FixType

    return {kind.name.lower(): int(kind) for kind in FixType}


def _fix_flags() -> dict[str, int]:
    from fieldsurvey.model.position import FixFlag

    return {
        "|".join(str(flag.name).lower() for flag in FixFlag(value)): value
        for value in range(2 * max(FixFlag).value)
        if value
    }
