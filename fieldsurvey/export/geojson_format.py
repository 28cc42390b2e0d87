"""GeoJSON (RFC 7946): the tests as a FeatureCollection, beside it a line per second.

Map programs want the few tests whole and cannot hold a million seconds: those go into a second
file, a feature a line (RFC 8142 without its separators, as GDAL, QGIS and Kepler read it). A test
is a point where it began; its end is among the properties, for a straight line between the two
would claim a road nobody drove. Must not leave out what has no position: its geometry is null.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from fieldsurvey.export.ahead import in_order
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.geometry import Bounds
from fieldsurvey.export.sample_blocks import sample_blocks
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.export.text import with_times_told
from fieldsurvey.export.typed import (
    SAMPLE_POSITION,
    TEST_POSITION,
    TypedSamples,
    typed_tests,
)

if TYPE_CHECKING:
    import polars as pl

COORDINATE_PLACES = 7  # 1 cm; the properties have all digits


@dataclass(frozen=True, slots=True)
class GeoJsonSamples:
    """One feature a line, one second a feature."""

    name: str = "geojson-samples"
    suffix: str = ".geojsonl"
    media_type: str = "application/geo+json-seq"
    companions: Mapping[str, Exporter] = field(default_factory=dict)

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write the samples piece by piece."""
        typed, done = TypedSamples(tables), 0

        def features(block: pl.DataFrame) -> tuple[bytes, int]:
            return _features(typed(block), typed.names, SAMPLE_POSITION), len(block)

        for lines, count in in_order(sample_blocks(tables, typed.read), features):
            stream.write(lines)
            done += count
            progress(done / max(done, tables.sample_count))
        return Written(points=done)


@dataclass(frozen=True, slots=True)
class GeoJson:
    """All tests in one collection."""

    name: str = "geojson"
    suffix: str = ".geojson"
    media_type: str = "application/geo+json"
    companions: Mapping[str, Exporter] = field(
        default_factory=lambda: {"-samples": GeoJsonSamples()}
    )

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write all tests in one go."""
        tests = typed_tests(tables)
        lines = _features(tests, tests.columns, TEST_POSITION).splitlines()
        stream.write((_head(tables, tests) + '"features":[\n').encode())
        stream.write(b",\n".join(lines))
        stream.write(b"\n]}\n")
        progress(1.0)
        return Written(tests=len(tests))


def _head(tables: SurveyTables, tests: pl.DataFrame) -> str:
    """Return how the collection begins: what it is, and what was left out of it."""
    bounds = Bounds()
    bounds.add(*(tests[name] for name in TEST_POSITION))
    members: dict[str, object] = {"type": "FeatureCollection"}
    if box := bounds.as_list():
        members["bbox"] = [round(degrees, COORDINATE_PLACES) for degrees in box]
    left_out = {
        "seconds_left_out_count": tables.left_out.samples,
        "tests_left_out_count": tables.left_out.tests,
    }
    members |= {name: count for name, count in left_out.items() if count}
    return json.dumps(members)[:-1] + ","


def _features(rows: pl.DataFrame, names: list[str], position: tuple[str, str]) -> bytes:
    """Return a feature a line; control characters in texts are escaped, so a line is a feature."""
    import polars as pl

    degrees = [pl.col(name).round(COORDINATE_PLACES) for name in position]
    point = pl.struct(type=pl.lit("Point"), coordinates=pl.concat_list(degrees))
    known = pl.all_horizontal(pl.col(position).is_not_null())
    features = with_times_told(rows).select(
        type=pl.lit("Feature"),
        geometry=pl.when(known).then(point),
        properties=pl.struct(names),
    )
    buffer = io.BytesIO()
    features.write_ndjson(buffer)
    return buffer.getvalue()
