"""Exports read back by independent readers, and the rules of GPX checked element by element."""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

import gpxpy
import gpxpy.gpx

from fieldsurvey.export.exporter import Exporter
from fieldsurvey.export.from_model import DriveRows, tables_from

GPX = "{http://www.topografix.com/GPX/1/1}"
OURS = "{urn:fieldsurvey:gpx:1}"

_POINT = re.split(
    " ",
    "ele time magvar geoidheight name cmt desc src link sym type fix sat hdop vdop pdop"
    " ageofdgpsdata dgpsid extensions",
)
# Source: the sequences of https://www.topografix.com/GPX/1/1/gpx.xsd.
ORDER = {
    "gpx": ["metadata", "wpt", "rte", "trk", "extensions"],
    "metadata": [
        "name",
        "desc",
        "author",
        "copyright",
        "link",
        "time",
        "keywords",
        "bounds",
        "extensions",
    ],
    "wpt": _POINT,
    "rtept": _POINT,
    "trkpt": _POINT,
    "rte": ["name", "cmt", "desc", "src", "link", "number", "type", "extensions", "rtept"],
    "trk": ["name", "cmt", "desc", "src", "link", "number", "type", "extensions", "trkseg"],
    "trkseg": ["trkpt", "extensions"],
}
REPEATED = {"wpt", "rte", "trk", "trkseg", "trkpt", "rtept", "link"}


def written(exporter: Exporter, drives: Iterable[DriveRows], language: str = "en") -> bytes:
    """What ``exporter`` writes for ``drives``."""
    stream = io.BytesIO()
    exporter.write(tables_from(drives, language), stream, lambda _share: None)
    return stream.getvalue()


def gpx_of(data: bytes) -> gpxpy.gpx.GPX:
    """Parse a GPX file after checking it against the rules of the schema."""
    check_gpx(ET.fromstring(data))
    return gpxpy.parse(data.decode())


def check_gpx(root: ET.Element) -> None:
    """Assert namespaces, names, order and number of elements, and ranges of coordinates."""
    assert root.tag == f"{GPX}gpx"
    assert root.get("version") == "1.1"
    assert root.get("creator")
    for parent in root.iter():
        name = parent.tag.removeprefix(GPX)
        if name not in ORDER:
            continue
        children = [child.tag for child in parent]
        assert all(tag.startswith(GPX) for tag in children), children
        places = [ORDER[name].index(tag.removeprefix(GPX)) for tag in children]
        assert places == sorted(places), f"{name} has its children out of order: {children}"
        singles = [tag for tag in children if tag.removeprefix(GPX) not in REPEATED]
        assert len(set(singles)) == len(singles)
        if name in ("wpt", "trkpt"):
            assert -90 <= float(parent.get("lat", "")) <= 90
            assert -180 <= float(parent.get("lon", "")) < 180
            assert "e" not in (parent.get("lat", "") + parent.get("lon", "")).lower()
    for extensions in root.iter(f"{GPX}extensions"):
        assert all(child.tag.startswith(OURS) for child in extensions)
        assert all(len(child) == 0 and child.text for child in extensions)


def our_values(element: ET.Element) -> dict[str, str]:
    """Our elements in the extensions of ``element``."""
    found = element.find(f"{GPX}extensions")
    if found is None:
        return {}
    return {child.tag.removeprefix(OURS): child.text or "" for child in found}


def csv_rows(data: bytes) -> list[dict[str, str]]:
    """Rows of a CSV file by the standard library's reader, strictly."""
    text = data.decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def leftovers(folder: Path) -> list[str]:
    """Names of all files in a folder."""
    return sorted(path.name for path in folder.iterdir())
