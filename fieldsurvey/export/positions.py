"""Which positions may be shown, and where a track must be broken.

A point says "here, at that moment". An old fix is somewhere else by now, a repeated one says
nothing new, and a line across a gap claims a road nobody drove. Nothing here changes a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fieldsurvey.model.odometer import GAP_US
from fieldsurvey.model.position import FixFlag

if TYPE_CHECKING:
    import polars as pl

SAMPLE_FIX_AGE_US = 2_000_000  # older, and the second has no position
TEST_FIX_AGE_US = 5_000_000  # older, and the test has none: from here on position counts as lost


def sample_position_known() -> pl.Expr:
    """True where a sample's fix was fresh and is a place on earth."""
    import polars as pl

    return _known("", pl.col("fix_age_us") <= SAMPLE_FIX_AGE_US)


def test_position_known(end: str) -> pl.Expr:
    """The same for the ``start`` or ``end`` of a test."""
    import polars as pl

    return _known(f"{end}_", pl.col(f"{end}_fix_age_us") <= TEST_FIX_AGE_US)


def told_position_known(end: str) -> pl.Expr:
    """The same, and true of a position that a file told without its age: it was known there."""
    import polars as pl

    return _known(f"{end}_", pl.col(f"{end}_fix_age_us").fill_null(0) <= TEST_FIX_AGE_US)


def _known(prefix: str, fresh: pl.Expr) -> pl.Expr:
    import polars as pl

    return (
        fresh
        & pl.col(f"{prefix}latitude_deg").is_between(-90, 90)
        & pl.col(f"{prefix}longitude_deg").is_between(-180, 180)
    ).fill_null(value=False)


def receiver_alive(prefix: str = "") -> pl.Expr:
    """False where the receiver only repeated itself."""
    import polars as pl

    dead = int(FixFlag.STALE | FixFlag.FROZEN)
    return (pl.col(f"{prefix}fix_flags").fill_null(0) & dead) == 0


def track_pieces(pieces: Iterator[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, int]]:
    """Yield what of each piece belongs on a track, and how many rows the piece had.

    Adds ``fix_utc_us``, when the fix arrived on the drive's clock, and ``begins_segment``: a new
    run or drive, more than ``GAP_US`` without a fix, or a fix flagged as a jump.
    """
    import polars as pl

    before: pl.DataFrame | None = None  # the last row that counted, of the piece before
    for piece in pieces:
        fixes = piece.filter(sample_position_known() & receiver_alive()).with_columns(
            fix_mono_us=pl.col("mono_us") - pl.col("fix_age_us"),
            fix_utc_us=pl.col("utc_us") - pl.col("fix_age_us"),
        )
        if len(fixes):
            joined = fixes if before is None else pl.concat([before, fixes])
            before = fixes[-1:]
            fixes = joined.with_columns(repeated=_repeated(), begins_segment=_begins_segment())[
                len(joined) - len(fixes) :
            ].filter(~pl.col("repeated"))
        else:
            fixes = fixes.with_columns(begins_segment=pl.lit(value=True))
        yield fixes, len(piece)


def _same_run() -> pl.Expr:
    import polars as pl

    return (
        (pl.col("drive_id") == pl.col("drive_id").shift(1))
        & (pl.col("run") == pl.col("run").shift(1))
    ).fill_null(value=False)


def _repeated() -> pl.Expr:
    import polars as pl

    return _same_run() & (pl.col("fix_mono_us").diff() == 0).fill_null(value=False)


def _begins_segment() -> pl.Expr:
    import polars as pl

    # The steady clock goes back only where another computer start lies between two rows.
    steady = pl.col("fix_mono_us").diff().is_between(0, GAP_US).fill_null(value=False)
    jump = (pl.col("fix_flags").fill_null(0) & int(FixFlag.JUMP)) != 0
    return ~(_same_run() & steady) | jump
