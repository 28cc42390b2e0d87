"""GPX read as a stream: expat for its structure, polars for the points in it.

A large track is the same few lines a million times over. Points that are written in the usual way
are cut out of the text, a block at a time, and a processing instruction with their number is left
in their place; expat then sees the rest, tells where that place is, and reads every other point.
So structure, comments, encodings and broken files are expat's business and not ours.
"""

from __future__ import annotations

import math
import secrets
from array import array
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

if TYPE_CHECKING:
    import polars as pl

POINT_COLUMNS: Mapping[str, str] = {
    "latitude_deg": "Float64",
    "longitude_deg": "Float64",
    "elevation_m": "Float64",
    "time_us": "Int64",
    "segment": "Int64",
}
BLOCK_BYTES = 4_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_TIME = -(2**63)
_POINT_START = b"<trkpt"

# Text that has no tag, entity or forbidden character in it.
_TEXT = r"[^<>&\x00-\x08\x0B\x0C\x0E-\x1F]*"
_SPACE = r"[ \t\r\n]*"
_NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,17})?"
_TIME = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,15})?Z"
_CHILD = "|".join(
    f"<{name}>{_TEXT}</{name}>"
    for name in ("fix", "sat", "hdop", "vdop", "pdop", "speed", "course", "geoidheight", "name")
)
# In extensions the closing name is not compared with the opening one: nothing of it is used. No
# name is <ele> or <time>, so that these can be found by looking for them.
_NAME = r"(?:[a-zA-Z_][a-zA-Z0-9_.-]*:[a-zA-Z_][a-zA-Z0-9_.-]*|[a-df-su-zA-Z_][a-zA-Z0-9_.-]*)"
_LEAF = rf"<{_NAME}>{_TEXT}</{_NAME}>{_SPACE}"
_BRANCH = rf"<{_NAME}>(?:{_TEXT}|{_SPACE}(?:{_LEAF})*)</{_NAME}>{_SPACE}"
_PLAIN_POINT = (
    rf'^[ \t\r\n]+lat="{_NUMBER}"[ \t\r\n]+lon="{_NUMBER}"{_SPACE}>{_SPACE}'
    rf"(?:<ele>{_NUMBER}</ele>{_SPACE})?(?:<time>{_TIME}</time>{_SPACE})?"
    rf"(?:(?:{_CHILD}){_SPACE})*(?:<extensions>{_SPACE}(?:{_BRANCH})*</extensions>{_SPACE})?"
    rf"</trkpt>{_SPACE}$"
)


class GpxStreamError(Exception):
    """The file is not GPX that gpxpy would read."""


def read_stream(stream: BinaryIO, block_bytes: int = BLOCK_BYTES) -> pl.DataFrame:
    """Return the track points of ``stream`` with ``POINT_COLUMNS``.

    Memory: the points themselves and a few blocks. Raises :class:`GpxStreamError`.
    """
    reader = _Reader()
    rest = b""
    try:
        while block := stream.read(block_bytes):
            block = rest + block
            # The last point may go on in the next block; a longer one than that, expat can have.
            end = block.rfind(_POINT_START)
            end = len(block) if end <= 0 else end
            reader.feed(block[:end])
            rest = block[end:]
        return reader.finish(rest)
    except expat.ExpatError as error:
        raise GpxStreamError(str(error)) from error


def time_us(moment: datetime) -> int:
    """Return µs since 1970; a time without a zone is UTC, as the standard has it."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


class _Reader:
    """Cuts plain points out of blocks and puts them back among what expat finds."""

    def __init__(self) -> None:
        self._plain: list[pl.DataFrame] = []
        self._plain_rows = 0
        self._structure = _Structure()

    def feed(self, block: bytes) -> None:
        """Read a block; its last point is read the fast way only if it is all there."""
        import polars as pl

        before, *pieces = block.split(_POINT_START)
        self._structure.feed(before)
        try:
            texts = pl.Series(pieces, dtype=pl.Binary).cast(pl.String)
        except pl.exceptions.PolarsError:  # not UTF-8: expat knows what it is
            self._structure.feed(block[len(before) :])
            return
        found = _points_of(texts)
        is_plain = found["latitude_deg"].is_not_null()
        self._plain.append(found.filter(is_plain))
        skeleton, at = [], 0
        for odd in is_plain.not_().arg_true().to_list():
            skeleton += [self._place_of(odd - at), _POINT_START + pieces[odd]]
            at = odd + 1
        skeleton.append(self._place_of(len(pieces) - at))
        self._structure.feed(b"".join(skeleton))

    def _place_of(self, plain_points: int) -> bytes:
        """Return what stands for the next ``plain_points`` points."""
        if not plain_points:
            return b""
        self._plain_rows += plain_points
        return self._structure.place_of(self._plain_rows - plain_points, plain_points)

    def finish(self, rest: bytes) -> pl.DataFrame:
        """Read what is left and return all points in the order of the file."""
        import numpy as np
        import polars as pl

        self._structure.feed(rest, is_last=True)
        kinds = {name: getattr(pl, kind)() for name, kind in POINT_COLUMNS.items()}
        del kinds["segment"]
        singles = self._structure.singles
        points = pl.concat([pl.DataFrame(schema=kinds), *self._plain, singles.frame()])
        runs = np.asarray(self._structure.runs, dtype=np.int64).reshape(-1, 3)
        first, count, segment = runs[:, 0], runs[:, 1], runs[:, 2]
        first = np.where(first < 0, self._plain_rows - 1 - first, first)
        ends = np.cumsum(count)
        rows = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - count), count)
        found: pl.DataFrame = points[rows]
        return found.with_columns(segment=pl.Series(np.repeat(segment, count)))


def _points_of(texts: pl.Series) -> pl.DataFrame:
    """Read what stands behind each ``<trkpt``; a row of nulls where it is not plainly written."""
    import polars as pl

    # What was recognised is cut by position: capturing while matching takes four times as long.
    points = pl.DataFrame({"text": texts}).select(
        pl.when(pl.col("text").str.contains(_PLAIN_POINT)).then("text")
    )
    quoted = pl.col("text").str.split_exact('"', 4)
    found = points.select(
        latitude=quoted.struct[1],
        longitude=quoted.struct[3],
        elevation=_between("<ele>", "</ele>"),
        time=_between("<time>", "Z</time>"),
    )
    second = (
        pl.col("time")
        .str.head(19)
        .str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    )
    fraction = pl.col("time").str.slice(20, 6).str.pad_end(6, "0").cast(pl.Int64)
    return found.select(
        latitude_deg=pl.col("latitude").cast(pl.Float64),
        longitude_deg=pl.col("longitude").cast(pl.Float64),
        elevation_m=pl.col("elevation").cast(pl.Float64),
        time_us=second.cast(pl.Int64) + fraction,
    )


def _between(before: str, behind: str) -> pl.Expr:
    """Return what stands between two literals (ASCII up to there: offsets are bytes)."""
    import polars as pl

    text = pl.col("text")
    start = text.str.find(before, literal=True) + len(before)
    return text.str.slice(start, text.str.find(behind, literal=True) - start)


class _Singles:
    """Points that expat read, in columns."""

    def __init__(self) -> None:
        self.latitudes_deg, self.longitudes_deg = array("d"), array("d")
        self.elevations_m = array("d")  # NaN for none
        self.times_us = array("q")  # _NO_TIME for none

    def __len__(self) -> int:
        return len(self.times_us)

    def frame(self) -> pl.DataFrame:
        import polars as pl

        return pl.DataFrame(
            {
                "latitude_deg": pl.Series(self.latitudes_deg, dtype=pl.Float64),
                "longitude_deg": pl.Series(self.longitudes_deg, dtype=pl.Float64),
                "elevation_m": pl.Series(self.elevations_m, dtype=pl.Float64).fill_nan(None),
                "time_us": pl.Series(self.times_us, dtype=pl.Int64),
            }
        ).with_columns(pl.col("time_us").replace(_NO_TIME, None))


class _Structure:
    """What expat sees. ``runs`` gets (first row, count, segment) flat, in the order of the file;
    a first row below zero counts back into ``singles``."""

    def __init__(self) -> None:
        self.runs = array("q")
        self.singles = _Singles()
        # Nobody can have this in a file they made before.
        self._target = f"points-{secrets.token_hex(8)}"
        self._path: list[str] = []
        self._segment = -1
        self._texts: dict[str, str] = {}  # the first <ele> and <time> of the open point
        self._attributes: dict[str, str] = {}
        self._collect: list[str] | None = None
        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.ProcessingInstructionHandler = self._instruction

    def feed(self, text: bytes, *, is_last: bool = False) -> None:
        self._parser.Parse(text, is_last)

    def place_of(self, first_row: int, count: int) -> bytes:
        """Return what stands for ``count`` plain points from ``first_row`` on."""
        return f"<?{self._target} {first_row} {count}?>".encode()

    def _in_segment(self) -> bool:
        return self._path[1:] == ["trk", "trkseg"]  # gpxpy takes any root

    def _instruction(self, target: str, data: str) -> None:
        if target == self._target and self._in_segment():
            first, count = data.split()
            self.runs.extend((int(first), int(count), self._segment))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._collect = None  # what an element says ends where its first child begins
        if name == "trkpt" and self._in_segment():
            self._attributes, self._texts = attributes, {}
        self._path.append(name)
        if self._path[1:] == ["trk", "trkseg"]:
            self._segment += 1
        elif (
            name in ("ele", "time")
            and self._path[1:-1] == ["trk", "trkseg", "trkpt"]
            and name not in self._texts
        ):
            self._collect = []
            self._texts[name] = ""

    def _characters(self, data: str) -> None:
        if self._collect is not None:
            self._collect.append(data)
            self._texts[self._path[-1]] = "".join(self._collect)

    def _end(self, name: str) -> None:
        self._collect = None
        self._path.pop()
        if name == "trkpt" and self._in_segment():
            self._add_single()

    def _add_single(self) -> None:
        from gpxpy.gpxfield import TIME_TYPE

        singles, elevation = self.singles, self._texts.get("ele")
        try:
            singles.latitudes_deg.append(float(self._attributes["lat"]))
            singles.longitudes_deg.append(float(self._attributes["lon"]))
            singles.elevations_m.append(float(elevation) if elevation else math.nan)
        except (KeyError, ValueError) as error:
            line = self._parser.CurrentLineNumber
            raise GpxStreamError(f"line {line}: a point has no valid {error}") from error
        moment = TIME_TYPE.from_string(self._texts.get("time") or "")
        self.runs.extend((-len(singles) - 1, 1, self._segment))
        singles.times_us.append(_NO_TIME if moment is None else time_us(moment))
