"""The rows of ``survey.csv`` as one would write them with the csv module."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from fieldsurvey.export.columns import sample_columns

HEADER = tuple(sample_columns())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _fixed(value: float | None, places: int, factor: float = 1.0) -> str | None:
    if value is None:
        return None
    return f"{round(value * factor, places) + 0.0:.{places}f}"  # no -0.0


def _utc(time_us: int | None) -> str | None:
    if time_us is None:
        return None
    moment = _EPOCH + timedelta(microseconds=time_us)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def formatted(row: Mapping[str, Any]) -> tuple[object, ...]:
    """A row of the bulk drive: all fixes fresh, no flags, no text that needs care."""
    return (
        row["drive_id"],
        "true",
        _utc(row["utc_us"]),
        "true" if row["reachable"] else "false",
        row["cause"],
        _fixed(row["round_trip_us"], 3, 1e-3),
        _fixed(row["latitude_deg"], 8),
        _fixed(row["longitude_deg"], 8),
        _fixed(row["altitude_m"], 2),
        _fixed(row["speed_mps"], 2, 3.6),
        _fixed(row["heading_deg"], 2),
        _fixed(row["accuracy_m"], 2),
        _fixed(row["hdop"], 2),
        row["satellites"],
        "fix_3d",
        None,
        _fixed(row["fix_age_us"], 6, 1e-6),
        _utc(row["gnss_utc_us"]),
        row["technology"],
        row["operator_code"],
        row["operator_name"],
        row["cell_id"],
        row["tracking_area"],
        row["band"],
        _fixed(row["rsrp_dbm"], 1),
        _fixed(row["rsrq_db"], 1),
        _fixed(row["sinr_db"], 1),
        _fixed(row["rssi_dbm"], 1),
        row["highway_ref"],
        _fixed(row["chainage_m"], 3, 1e-3),
        _fixed(row["road_distance_m"], 1),
        row["settlement_id"],
        row["settlement_name"],
        _fixed(row["settlement_distance_m"], 1),
        row["places_version"],
    )


def assert_same_file(ours: Path, peer: Path) -> None:
    """Both files say the same. Where a number lies half-way to the last bit of a float, the last
    digit may be either: polars rounds in another way than Python."""
    halves = lines = 0
    with ours.open(encoding="utf-8", newline="") as a, peer.open(encoding="utf-8", newline="") as b:
        for line, other in zip(a, b, strict=True):
            lines += 1
            if line != other:
                for cell, twin in zip(line.split(","), other.split(","), strict=True):
                    if cell != twin:
                        unit = Decimal(1).scaleb(int(Decimal(cell).as_tuple().exponent))
                        assert abs(Decimal(cell) - Decimal(twin)) == unit, line
                        halves += 1
    assert halves < lines / 10_000 + 1
