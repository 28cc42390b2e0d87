"""GPX as seconds: each timed point of a track is one, with what its extensions say.

Of our own exports the values in our namespace are read as well, and waypoints are tests. A point
without a time has no place in a drive and is put aside. Must not hold the file: XML is read as a
stream, a point at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from fieldsurvey.export.delimited import LINE, PIECE_ROWS, OddRow
from fieldsurvey.export.exported_columns import (
    StrangeCellError,
    sample_rows,
    strange_cell,
    test_rows,
)
from fieldsurvey.export.foreign import any_without_zone, numbers, utc_us
from fieldsurvey.export.gpx_prefixes import WithPrefixes
from fieldsurvey.export.gpx_xml import OUR_NAMESPACE
from fieldsurvey.export.reading import Piece
from fieldsurvey.export.source import Source
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.position import FixType
from fieldsurvey.model.throughput import Cause

if TYPE_CHECKING:
    import polars as pl

US_PER_S = 1_000_000
_ROOT = re.compile(r"<([\w.-]+:)?gpx[\s>]")
_OURS = f"{{{OUR_NAMESPACE}}}"
_FIX_TYPES = {
    "none": FixType.NONE, "2d": FixType.FIX_2D, "3d": FixType.FIX_3D, "dgps": FixType.DGNSS,
}  # fmt: skip
# Elements of GPX 1.0 and 1.1, and of the extensions of Garmin and others, by their local names.
_CHILDREN = {
    "ele": "altitude_m", "time": "time", "fix": "fix", "sat": "satellites", "hdop": "hdop",
    "speed": "speed_mps", "course": "heading_deg", "accuracy": "accuracy_m", "src": "source",
}  # fmt: skip
_OF_THE_POINT_ALONE = ("time", "source")  # in an extension these may be of something else
_GUESSED = "network"  # by a phone, from towers and Wi-Fi: hundreds of metres off (GPSLogger)
_READ_WHOLE = ("trkpt", "wpt", "rtept", "extensions")
_RANGES = {
    "altitude_m": (-500.0, 20_000.0), "hdop": (0.0, 1e6), "satellites": (0.0, 1_000.0),
    "speed_mps": (0.0, 10_000.0), "heading_deg": (0.0, 360.0), "accuracy_m": (0.0, 1e6),
}  # fmt: skip

Values = dict[str, str]


class GpxTrack:
    """A track of any program."""

    name = "gpx"
    has_zone = True  # the standard wants UTC; what is written without is of the zone asked for
    exported = False

    def recognises(self, source: Source) -> bool:
        head = source.head_text.lstrip("\ufeff \r\n\t")
        is_gpx = head.startswith("<") and _ROOT.search(head) is not None
        return is_gpx and self.exported == (OUR_NAMESPACE in head)

    def read(self, source: Source, zone: str) -> Iterator[Piece]:
        with source.opened() as (stream, share):
            try:
                yield from _pieces(WithPrefixes(stream), share, zone)
            except ET.ParseError as error:
                raise KnownError("import.unreadable", path=source.path, reason=error) from error
            except StrangeCellError as error:
                raise strange_cell(error, source.path) from error


class ExportedGpx(GpxTrack):
    """Our own export: drives keep their ids, and what was replayed stays so."""

    name = "fieldsurvey-gpx"
    exported = True


def _pieces(stream: WithPrefixes, share: object, zone: str) -> Iterator[Piece]:
    points: list[Values] = []
    tests: list[Values] = []
    of_drive: Values = {}
    number = untracked = 0
    parents: list[ET.Element] = []
    for event, element in ET.iterparse(stream, events=("start", "end")):
        if event == "start":
            parents.append(element)
            continue
        parents.pop()
        local = _local(element.tag)
        if local not in _READ_WHOLE:  # most are: a point of ours has forty
            continue
        if local == "trkpt":
            number += 1
            points.append(_point(element, number) | of_drive)
            if len(points) == PIECE_ROWS:
                yield _piece(points, [], share, zone)
                points = []
        elif local == "wpt" and (ours := _our_values(element)).get("test_id"):
            tests.append({**_of_waypoint(element), **ours})
        elif local in ("wpt", "rtept"):
            untracked += 1
        elif local == "extensions" and parents and parents[-1].tag.endswith("}trk"):
            ours = _our_values(element)
            of_drive = {name: ours[name] for name in ("drive_id", "replayed") if name in ours}
        if local in ("trkpt", "wpt", "rtept") and parents:
            parents[-1].remove(element)
    piece = _piece(points, tests, share, zone)
    if untracked:
        piece.rows += untracked
        piece.left_out["left_out_waypoint"] = untracked
    yield piece


@lru_cache(maxsize=256)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _point(element: ET.Element, number: int) -> Values:
    """Return what GPX's own elements say, then what only extensions say: these may have other times
    and heights of their own."""
    values = {"number": str(number), **_position(element)}
    ours: Values = {}
    extensions = None
    for child in element:
        local = _local(child.tag)
        if local == "extensions":
            extensions = child
        elif child.text and (name := _CHILDREN.get(local)):
            values.setdefault(name, child.text)
    for child in () if extensions is None else extensions.iter():
        tag, text = child.tag, child.text
        if not text:
            continue
        if tag.startswith(_OURS):
            ours[tag.removeprefix(_OURS)] = text
        elif (name := _CHILDREN.get(_local(tag))) and name not in _OF_THE_POINT_ALONE:
            values.setdefault(name, text)
    return values | ours


def _position(element: ET.Element) -> Values:
    return {
        name: said for name, key in (("lat", "lat"), ("lon", "lon")) if (said := element.get(key))
    }


def _our_values(element: ET.Element) -> Values:
    return {
        child.tag.removeprefix(_OURS): child.text
        for child in element.iter()
        if child.tag.startswith(_OURS) and child.text
    }


def _of_waypoint(element: ET.Element) -> Values:
    """Return what of a test stands in GPX's own elements, by the names of our columns."""
    names = {"ele": "start_altitude_m", "time": "started_utc", "hdop": "start_hdop",
             "sat": "start_satellites_count"}  # fmt: skip
    values = {
        name: child.text
        for child in element
        if (name := names.get(child.tag.rpartition("}")[2])) and child.text
    }
    position = _position(element)
    return values | {
        "start_latitude_deg": position["lat"], "start_longitude_deg": position["lon"],
    }  # fmt: skip


def _piece(points: list[Values], tests: list[Values], share: object, zone: str) -> Piece:
    import polars as pl

    piece = Piece(rows=len(points) + len(tests), share=float(share()))  # type: ignore[operator] # what Source yields
    if points:
        names = dict.fromkeys(name for point in points for name in point)
        columns = {name: [point.get(name) for point in points] for name in names}
        _add_points(pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String)), piece, zone)
    if tests:
        names = dict.fromkeys(name for test in tests for name in test)
        columns = {name: [test.get(name) for test in tests] for name in names}
        told = test_rows(pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String)))
        piece.tests = _with_version(told, ("start_", "end_"))
    return piece


def _add_points(said: pl.DataFrame, piece: Piece, zone: str) -> None:
    """Put points into ``piece``; those without a time or a position on earth aside, and those in
    the Gulf of Guinea, where receivers without a fix say they are. Where a phone guesses that it is
    is no fix, and left out."""
    import polars as pl

    def column(name: str) -> pl.Series:
        nothing = pl.repeat(None, len(said), dtype=pl.String, eager=True)
        return said[name] if name in said.columns else nothing

    latitude, longitude = numbers(column("lat")), numbers(column("lon"))
    fix_utc_us = utc_us(column("time"), zone)
    piece.without_zone = any_without_zone(column("time"))
    found = {
        "latitude_deg": latitude.set(~latitude.is_between(-90, 90), None),
        "longitude_deg": longitude.set(~longitude.is_between(-180, 180), None),
    }
    for name, (low, high) in _RANGES.items():
        values = numbers(column(name))
        found[name] = values.set(~values.is_between(low, high), None)
    rows = pl.DataFrame(found).with_columns(
        pl.col("satellites").cast(pl.Int64, strict=False),
        fix_type=column("fix").replace_strict(_FIX_TYPES, default=None, return_dtype=pl.Int64),
        reachable=pl.lit(value=False),
        cause=pl.lit(Cause.NOT_ASKED.value),
    )
    ours = _ours_of(said)
    rows = rows.with_columns(ours.get_columns())
    if "reachable" in ours.columns and "cause" not in ours.columns:
        # All of them were asked, and reached: ours have a cause only where it was not.
        rows = rows.with_columns(cause=pl.when(~pl.col("reachable")).then("cause"))
    if "fix_age_us" not in rows.columns:
        rows = rows.with_columns(fix_age_us=pl.lit(0, pl.Int64))
    # Our second is as much later than its fix as the fix was old.
    rows = rows.with_columns(
        utc_us=fix_utc_us + rows["fix_age_us"].fill_null(0),
        **{LINE: column("number").cast(pl.Int64)},
    )
    timed = rows["utc_us"].is_not_null()
    nowhere = (rows["latitude_deg"] == 0) & (rows["longitude_deg"] == 0)
    placed = rows["latitude_deg"].is_not_null() & rows["longitude_deg"].is_not_null() & ~nowhere
    guessed = column("source").str.strip_chars().str.to_lowercase() == _GUESSED
    guessed = guessed.fill_null(value=False)
    if guessed.any():
        piece.left_out["left_out_guessed"] = int(guessed.sum())
    for at in (~(timed & placed) & ~guessed).arg_true().to_list():
        reason = "odd_position" if timed[at] else "odd_time"
        content = f"{said['lat'][at]}, {said['lon'][at]}" if "lat" in said.columns else ""
        piece.odd.append(OddRow(int(rows[LINE][at]), reason, content))
    piece.samples = rows.filter(timed & placed & ~guessed)


def _ours_of(said: pl.DataFrame) -> pl.DataFrame:
    """Return what our extension says, by the names of the tables; nothing for other programs."""
    ours = [
        name
        for name in said.columns
        if name not in {"lat", "lon", "number", *_CHILDREN.values()} or name in _BOTH
    ]
    return _with_version(sample_rows(said.select(ours)), ("",))


def _with_version(rows: pl.DataFrame, prefixes: tuple[str, ...]) -> pl.DataFrame:
    """Return ``rows`` with a version of their places where they have one: the model wants it."""
    import polars as pl

    names = {prefix + name for prefix in prefixes for name in ("highway_ref", "settlement_name")}
    place = [name for name in rows.columns if name in names]
    if not place:
        return rows
    somewhere = pl.any_horizontal(pl.col(place).is_not_null())
    return rows.with_columns(places_version=pl.when(somewhere).then(pl.lit(_PLACES_VERSION)))


_PLACES_VERSION = "unknown"  # GPX does not say by which file a place was found
_BOTH = ("accuracy_m", "heading_deg")  # in our namespace under the same names
