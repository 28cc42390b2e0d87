"""KML 2.2 for Google Earth: tests as placemarks that say their result, drives as lines.

The verdict stands in the name as a mark and in the colour of the icon, never in the colour alone.
Nothing is fetched from anywhere when the file is opened. Must not draw a line where nobody drove.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from fieldsurvey.export import text
from fieldsurvey.export.columns import test_columns, with_drives
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.gpx_waypoints import waypoint_description, waypoint_name, with_position
from fieldsurvey.export.gpx_xml import element
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.export.tracks import write_tracks
from fieldsurvey.model.messages import message
from fieldsurvey.model.verdict import Verdict

if TYPE_CHECKING:
    import polars as pl

# Those of the window by day, for colour-blind people too. KML writes alpha, blue, green, red.
COLOURS: Mapping[str, str] = {
    Verdict.ABOVE.value: "ffb27200",
    Verdict.BELOW.value: "ff005ed5",
    Verdict.UNDECIDED.value: "ff009fe6",
    "no_service": "ff6b3b8c",
    "not_judged": "ff999999",
    "track": "ffe9b456",
}


@dataclass(frozen=True, slots=True)
class Kml:
    """Two kinds of folders: the tests, and each drive with its stretches."""

    name: str = "kml"
    suffix: str = ".kml"
    media_type: str = "application/vnd.google-earth.kml+xml"
    companions: Mapping[str, Exporter] = field(default_factory=dict)

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write placemarks, then lines."""
        stream.write(_head(tables).encode())
        tests = 0
        for placemark in _placemarks(tables):
            stream.write(placemark.encode())
            tests += 1
        stream.write(b"</Folder>\n")
        points = _write_lines(tables, stream, progress)
        stream.write(b"</Document>\n</kml>\n")
        return Written(points=points, tests=tests)


def _head(tables: SurveyTables) -> str:
    styles = "".join(
        f'<Style id="{name}"><IconStyle><color>{colour}</color></IconStyle>'
        f"<LineStyle><color>{colour}</color><width>3</width></LineStyle></Style>\n"
        for name, colour in COLOURS.items()
    )
    counts = {
        "seconds_left_out_count": tables.left_out.samples or None,
        "tests_left_out_count": tables.left_out.tests or None,
    }
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">\n'
        f"<Document><name>FieldSurvey</name>\n{styles}{_extended_data(counts)}"
        f"<Folder>{element('name', message('export.tests').text(tables.language))}\n"
    )


def _placemarks(tables: SurveyTables) -> Iterator[str]:
    """Yield all tests; those without a position stand in the list and not on the globe."""
    known = set(with_position(tables.tests)["test_id"])
    columns = test_columns()
    values = text.as_text(with_drives(tables, tables.tests).select(**columns))
    for number, test in enumerate(tables.tests.iter_rows(named=True)):
        exported = values.row(number, named=True)
        point = ""
        if test["test_id"] in known:
            height = exported["start_altitude_m"]
            point = _point(exported["start_longitude_deg"], exported["start_latitude_deg"], height)
        yield (
            f"<Placemark>{element('name', waypoint_name(test, tables.language))}"
            f"{element('description', waypoint_description(test, tables.language))}"
            f"<TimeStamp>{element('when', exported['started_utc'])}</TimeStamp>"
            f"<styleUrl>#{_style(test)}</styleUrl>{_extended_data(exported)}{point}</Placemark>\n"
        )


def _point(longitude: str, latitude: str, height: str | None) -> str:
    coordinates = ",".join(part for part in (longitude, latitude, height) if part is not None)
    return f"<Point><coordinates>{coordinates}</coordinates></Point>"


def _style(test: Mapping[str, object]) -> str:
    if test["no_service"]:
        return "no_service"
    return str(test["verdict"] or "not_judged")


def _extended_data(values: Mapping[str, object]) -> str:
    told = {name: element("value", value) for name, value in values.items()}
    inner = "".join(f'<Data name="{name}">{value}</Data>' for name, value in told.items() if value)
    return f"<ExtendedData>{inner}</ExtendedData>" if inner else ""


_PLACE = "<Placemark><styleUrl>#track</styleUrl>"
_LINE = f"{_PLACE}<LineString><tessellate>1</tessellate><coordinates>\n"
_LINE_END = "\n</coordinates></LineString></Placemark>"
_POINT, _POINT_END = f"{_PLACE}<Point><coordinates>", "</coordinates></Point></Placemark>"


def _write_lines(tables: SurveyTables, stream: BinaryIO, progress: Progress) -> int:
    """Write a folder for each drive that has fixes, in it a line for each stretch without a gap. A
    fix between two gaps is a point: KML knows no line of one."""
    import polars as pl

    newest: list[pl.DataFrame] = []  # whether a line ends with it, the next fix tells

    def fixes(piece: pl.DataFrame, *, opens: bool) -> None:
        begins = pl.col("begins_segment") | (pl.lit(opens) & (pl.int_range(pl.len()) == 0))
        rows = pl.concat([*newest, piece.select("longitude_deg", "latitude_deg", begins=begins)])
        newest[:] = [rows[-1:]]
        stream.write(_coordinates(rows.with_columns(ends=pl.col("begins").shift(-1))[:-1]))

    def end() -> str:
        last = newest.pop().with_columns(ends=pl.lit(value=True))
        return f"{bytes(_coordinates(last)).decode()}</Folder>\n"

    return write_tracks(tables, stream, progress, _folder_head, fixes, end)


def _folder_head(drive: Mapping[str, object]) -> str:
    started, ended = drive["started_utc_us"], drive["ended_utc_us"]
    begin = text.utc_iso(int(str(started)))
    end = None if ended is None else text.utc_iso(int(str(ended)))
    names = ("drive_id", "operator", "access_type", "app_version")
    ours = {name: drive[name] for name in names} | {"replayed": str(drive["replayed"]).lower()}
    name = f"{drive['plan_name']} {begin}"
    return (
        f"<Folder>{element('name', name)}"
        f"<TimeSpan>{element('begin', begin)}{element('end', end)}</TimeSpan>"
        f"{_extended_data(ours)}\n"
    )


def _coordinates(rows: pl.DataFrame) -> memoryview:
    """Return ``longitude,latitude`` of each row as a line of text, with what opens and closes;
    heights would sink lines into the terrain."""
    import polars as pl

    begins, ends = pl.col("begins"), pl.col("ends")
    before = pl.when(begins & ends).then(pl.lit(_POINT)).when(begins).then(pl.lit(_LINE))
    behind = pl.when(begins & ends).then(pl.lit(_POINT_END)).when(ends).then(pl.lit(_LINE_END))
    degrees = [
        text.decimal(pl.col(name), text.DEGREE_PLACES).cast(pl.String)
        for name in ("longitude_deg", "latitude_deg")
    ]
    parts = (before.otherwise(pl.lit("")), degrees[0], pl.lit(","), degrees[1])
    line = pl.concat_str(*parts, behind.otherwise(pl.lit("")))
    return text.lines(rows.select(line), end="\n", quoted=False)
