"""Takes back the zeros that the model needs where another tool told nothing.

A test of ours always has a length, bytes and connections; an imported one may have a rate and no
more. Must not touch a test of ours: its phases last longer than 0 µs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldsurvey.model.throughput import Outcome

if TYPE_CHECKING:
    import polars as pl

_OF_PHASE = ("bytes", "duration_us", "connections", "ramp_us", "ramp_bytes", "batches")
_OF_LATENCY = ("latency_count", "latency_lost")


def without_untold(tests: pl.DataFrame) -> pl.DataFrame:
    """Return the table of tests with null for what nobody measured. An estimate that rests on no
    batch has no interval."""
    import polars as pl

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
