"""Takes back what the model says only because it has to, and puts back what has no place in it.

A test of ours always has a length, bytes and connections; an imported one may have a rate and no
more. What its file did not tell is named in the tag ``UNTOLD``; percentiles of round trips that it
did tell, but not one by one, are tags by their exported names. Must not touch a test of ours: it
has neither, and its phases last longer than 0 µs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fieldsurvey.export.tables import TEST_COLUMNS
from fieldsurvey.model.throughput import Outcome

if TYPE_CHECKING:
    import polars as pl

UNTOLD = "untold"
# Exported name of what is kept as a tag → column of the table and factor.
LATENCIES: Mapping[str, tuple[str, float]] = {
    f"{phase}_latency_{exported}": (f"{phase}_latency_{name}", factor)
    for phase in ("idle", "download", "upload")
    for exported, name, factor in (
        ("p50_ms", "p50_us", 1e3),
        ("p90_ms", "p90_us", 1e3),
        ("count", "count", 1),
        ("lost_count", "lost", 1),
    )
}
_MARKS = f'"{UNTOLD}"|_latency_'
_OF_PHASE = ("bytes", "duration_us", "connections", "ramp_us", "ramp_bytes", "batches")
_OF_LATENCY = ("latency_count", "latency_lost")
# These follow from others, or say nothing where they are empty.
_NEVER_UNTOLD = ("drive_id", "no_service", "tags", "start_fix_flags", "end_fix_flags")


def untold_tag(row: Mapping[str, Any], said: Mapping[str, object]) -> dict[str, str]:
    """Return the tag that names the columns in which the model of a test, as the row ``said``,
    says what the ``row`` it was made of does not; nothing where there are none."""
    untold = [
        name
        for name, value in said.items()
        if name not in _NEVER_UNTOLD and row[name] is None and value not in (None, "")
    ]
    return {UNTOLD: " ".join(untold)} if untold else {}


def without_untold(tests: pl.DataFrame) -> pl.DataFrame:
    """Return the table of tests with null for what nobody measured. An estimate that rests on no
    batch has no interval."""
    import polars as pl

    tests = _by_tags(tests)
    columns: dict[str, pl.Expr] = {}

    def take_back(names: list[str], untold: pl.Expr) -> None:
        columns.update({name: pl.when(~untold.fill_null(value=False)).then(name) for name in names})

    for phase in ("download", "upload"):
        take_back(
            [f"{phase}_{end}_bps" for end in ("low", "high")], pl.col(f"{phase}_batches") == 0
        )
        of_phase = [f"{phase}_{name}" for name in (*_OF_PHASE, *_OF_LATENCY)]
        take_back(of_phase, pl.col(f"{phase}_duration_us") == 0)
    made = pl.col("outcome").is_in([Outcome.COMPLETED.value, Outcome.FAILED.value])
    take_back(["duration_us", "wire_bytes"], made & (pl.col("duration_us") == 0))
    take_back(["server_url", "tls"], pl.col("server_url") == "")
    return tests.with_columns(**columns)


def _by_tags(tests: pl.DataFrame) -> pl.DataFrame:
    """Look at the few tests whose tags may say something of their columns."""
    import polars as pl

    numbered = tests.with_row_index("row")
    marked = pl.col("tags").str.contains(_MARKS).fill_null(value=False)
    rows = [_by_its_tags(row) for row in numbered.filter(marked).iter_rows(named=True)]
    if not rows:
        return tests
    said = pl.DataFrame(rows, schema=numbered.schema)
    return pl.concat([numbered.filter(~marked), said]).sort("row").drop("row")


def _by_its_tags(row: dict[str, Any]) -> dict[str, Any]:
    tags = json.loads(row["tags"])
    for name in _known(str(tags.get(UNTOLD, "")).split()):
        row[name] = None
        tags.pop(UNTOLD, None)
    for phase in ("idle", "download", "upload"):
        if row[f"{phase}_latency_count"]:
            continue  # it has round trips, and such tags are somebody's own
        for exported, (name, factor) in LATENCIES.items():
            if exported.startswith(phase) and (value := _number(tags.get(exported))) is not None:
                whole = TEST_COLUMNS[name] == "Int64"
                row[name] = round(value * factor) if whole else value * factor
                del tags[exported]
    row["tags"] = json.dumps(tags, ensure_ascii=False, sort_keys=True) if tags else None
    return row


def _known(names: Iterable[str]) -> list[str]:
    """Return ``names`` if all are columns; else somebody else's tag has our name."""
    listed = list(names)
    return listed if all(name in TEST_COLUMNS for name in listed) else []


def _number(said: object) -> float | None:
    try:
        return float(str(said))
    except ValueError:
        return None
