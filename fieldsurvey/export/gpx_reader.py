"""Track points of a GPX file as columns: the values gpxpy reads, for files it is too slow for.

Small files are read by gpxpy itself. Large ones go through expat as a stream in which runs of
plainly written points have been taken out and read a column at a time; whatever is written in an
unusual way stays in and is read piece by piece. Both ways give the same numbers. Must not guess:
a file that is broken off is an error, not a shorter drive.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fieldsurvey.model.errors import KnownError

if TYPE_CHECKING:
    import polars as pl
    from gpxpy.gpx import GPX

SMALL_FILE_BYTES = 2_000_000  # under a second of gpxpy
_ENCODING = re.compile(rb"""\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)""")


@dataclass(frozen=True, slots=True)
class GpxPoints:
    """Points of all tracks in file order. Columns of ``frame``: ``latitude_deg``,
    ``longitude_deg`` (Float64), ``elevation_m`` (Float64, null where missing), ``time_us`` (Int64,
    µs since 1970; null where missing or no time; without a zone it is taken for UTC) and
    ``segment`` (Int64, number of the ``<trkseg>`` in the file, empty ones counted)."""

    frame: pl.DataFrame

    def __len__(self) -> int:
        return len(self.frame)


def read_gpx_points(path: Path) -> GpxPoints:
    """Read the track points of ``path``. Raises ``KnownError`` ``export.gpx_missing`` or
    ``export.gpx_unreadable``."""
    from fieldsurvey.export.gpx_stream import GpxStreamError, read_stream

    try:
        if path.stat().st_size <= SMALL_FILE_BYTES:
            return GpxPoints(frame_of(read_gpx(path)))
        with path.open("rb") as stream:
            return GpxPoints(read_stream(stream))
    except OSError as error:
        raise KnownError("export.gpx_missing", path=path, reason=error.strerror) from error
    except GpxStreamError as error:
        raise KnownError("export.gpx_unreadable", path=path, reason=error) from error


def read_gpx(path: Path) -> GPX:
    """Read a small file with gpxpy: waypoints, names and extensions included."""
    import gpxpy
    from gpxpy.gpx import GPXException

    try:
        return gpxpy.parse(_decoded(path.read_bytes()))
    except OSError as error:
        raise KnownError("export.gpx_missing", path=path, reason=error.strerror) from error
    except (GPXException, UnicodeDecodeError, LookupError) as error:
        raise KnownError("export.gpx_unreadable", path=path, reason=error) from error


def _decoded(data: bytes) -> str:
    """Return the text of an XML file: gpxpy knows neither byte order marks nor encodings."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    declared = _ENCODING.match(data)
    encoding = declared[1].decode() if declared else "utf-8"
    return data.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)


def frame_of(gpx: GPX) -> pl.DataFrame:
    """Return the track points of ``gpx`` in the columns of :class:`GpxPoints`."""
    import polars as pl

    from fieldsurvey.export.gpx_stream import POINT_COLUMNS, time_us

    rows = []
    segments = [segment for track in gpx.tracks for segment in track.segments]
    for number, segment in enumerate(segments):
        for point in segment.points:
            when_us = None if point.time is None else time_us(point.time)
            rows.append((point.latitude, point.longitude, point.elevation, when_us, number))
    kinds = {name: getattr(pl, kind)() for name, kind in POINT_COLUMNS.items()}
    frame = pl.DataFrame(rows, schema=kinds, orient="row")
    return frame.with_columns(pl.col("elevation_m").fill_nan(None))
