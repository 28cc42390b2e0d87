"""The order in which formats with tracks are written: drive after drive, piece after piece.

Must not know a format: it is told how a drive begins, how its points are written, how it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, BinaryIO, Protocol

from fieldsurvey.export.exporter import Progress
from fieldsurvey.export.positions import track_pieces
from fieldsurvey.export.tables import SurveyTables

if TYPE_CHECKING:
    import polars as pl


class WritePiece(Protocol):
    """Writes a piece of ``track_pieces``; ``opens``: it is the first of its drive."""

    def __call__(self, piece: pl.DataFrame, *, opens: bool) -> None: ...


def write_tracks(
    tables: SurveyTables,
    stream: BinaryIO,
    progress: Progress,
    head: Callable[[Mapping[str, object]], str],
    write_piece: WritePiece,
    end: Callable[[], str],
) -> int:
    """Write ``head(drive)``, points and ``end()`` of each drive that has fixes; return how many
    points were written."""
    heads = {str(drive["drive_id"]): head(drive) for drive in tables.drives.iter_rows(named=True)}
    open_drive: str | None = None
    points = rows = 0
    for piece, piece_rows in track_pieces(tables.sample_pieces()):
        rows += piece_rows
        points += len(piece)
        if len(piece):
            drive_id = str(piece["drive_id"][0])
            if drive_id != open_drive:
                stream.write(((end() if open_drive else "") + heads[drive_id]).encode())
            write_piece(piece, opens=drive_id != open_drive)
            open_drive = drive_id
        progress(rows / max(rows, tables.sample_count))
    stream.write((end() if open_drive else "").encode())
    return points
