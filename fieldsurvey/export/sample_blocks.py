"""The seconds of a survey in blocks: pieces put together until what each costs does not show.

Working out the columns costs milliseconds whatever the number of rows. Must not hold more than one
block, nor keep the order of rows but as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.export.tables import SurveyTables

BLOCK_ROWS = 65_536  # with more, memory is what takes the time
BLOCK_VALUES = 1 << 20  # some five blocks are on their way, and as text each is many times as large


def sample_blocks(tables: SurveyTables, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield columns of the seconds, of which ``replayed`` is their drive's; several drives may
    share a block."""
    import polars as pl

    replayed = dict(tables.drives.select("drive_id", "replayed").iter_rows())
    rows = min(BLOCK_ROWS, BLOCK_VALUES // len(names))
    waiting: list[pl.DataFrame] = []
    for piece in tables.sample_pieces():
        if "replayed" in names:
            of_drive = replayed.get(piece["drive_id"][0]) if len(piece) else None
            piece = piece.with_columns(replayed=pl.lit(of_drive, dtype=pl.Boolean))
        waiting.append(piece[names])
        if sum(map(len, waiting)) >= rows:
            yield _joined(waiting)
    if waiting:
        yield _joined(waiting)


def _joined(waiting: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the pieces as one, and let go of them."""
    import polars as pl

    block = pl.concat(waiting, rechunk=True)
    waiting.clear()
    return block
