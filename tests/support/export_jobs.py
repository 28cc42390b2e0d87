"""Exporters and their peers, each in a process of its own so that its memory is its own.

``python -m tests.support.export_jobs JOB POINTS FOLDER`` prints one line of JSON. Only the reading
or writing itself is timed; what the peers need in memory before they can begin is not.
"""

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast
from xml.etree import ElementTree as ET

from tests.support.peak_memory import peak_mb

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Measured:
    """What one process found. ``peak_mb`` is the highest resident size of the whole process."""

    seconds: float
    cpu_s: float
    peak_mb: float
    points: int


def run(job: str, points: int, folder: Path, timeout_s: float = 900) -> Measured:
    """Run a job in a new process and return what it measured."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.export_jobs", job, str(points), str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=timeout_s,
    )
    return Measured(**json.loads(done.stdout))


def best(job: str, points: int, folder: Path, times: int) -> Measured:
    """Return the fastest of some runs: what else the machine does only ever slows one down."""
    return min((run(job, points, folder) for _ in range(times)), key=lambda m: m.seconds)


class _Stopwatch:
    """``peak_mb`` where it was not measured at the end."""

    def __init__(self) -> None:
        self.seconds = self.cpu_s = self.peak_mb = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started[0]
        self.cpu_s += time.process_time() - self._started[1]


# The seven that writers were first compared with; this modem tells RSRP where theirs told RSSI.
SEVEN = (
    "latitude_deg", "longitude_deg", "altitude_m", "sampled_utc", "rsrp_dbm", "cell_id",
    "operator_code",
)  # fmt: skip


def _ours_out(
    exporter_name: str, points: int, path: Path, columns: tuple[str, ...] = ()
) -> tuple[_Stopwatch, int]:
    from fieldsurvey.export.csv_format import CsvSamples
    from fieldsurvey.export.geojson_format import GeoJsonSamples
    from fieldsurvey.export.gpkg_format import GeoPackage
    from fieldsurvey.export.gpx_format import Gpx
    from fieldsurvey.export.kml_format import Kml
    from fieldsurvey.export.parquet_format import ParquetSamples
    from tests.support.export_bulk import bulk_tables

    exporters = {
        "geojson": GeoJsonSamples(),
        "gpkg": GeoPackage(),
        "kml": Kml(),
        "parquet": ParquetSamples(),
        "gpx": Gpx(with_extensions=False),
        "gpx-with-ours": Gpx(),
        "csv": CsvSamples(),
    }
    exporter, tables = exporters[exporter_name], replace(bulk_tables(points), columns=columns)
    watch = _Stopwatch()
    # Once for the memory, with pieces that nobody keeps; once for the time, with pieces that are
    # there, since formats work on some while others are made.
    with path.open("wb") as stream:
        exporter.write(tables, _as_exported(stream), lambda _share: None)
    watch.peak_mb = peak_mb()
    made = list(tables.sample_pieces())
    kept = replace(tables, sample_pieces=lambda: iter(made))
    with path.open("wb") as stream, watch:
        written = exporter.write(kept, _as_exported(stream), lambda _share: None)
    return watch, written.points


def _as_exported(file: BinaryIO) -> BinaryIO:
    """What a command gives an exporter to write into."""
    from fieldsurvey.export.replacing import StoppableStream

    return cast(BinaryIO, StoppableStream(file, lambda: False))


def gpx_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("gpx", points, folder / "ours.gpx")


def gpx_with_ours_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("gpx-with-ours", points, folder / "ours-with.gpx")


def csv_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("csv", points, folder / "ours.csv")


def csv_seven_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("csv", points, folder / "seven.csv", SEVEN)


def gpkg_seven_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("gpkg", points, folder / "seven.gpkg", SEVEN)


def parquet_seven_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("parquet", points, folder / "seven.parquet", SEVEN)


def geojson_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("geojson", points, folder / "ours.geojsonl")


def gpkg_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("gpkg", points, folder / "ours.gpkg")


def pyogrio_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    """The same layer of seconds by GDAL, from the same columns."""
    import pyarrow as pa
    import pyogrio

    from fieldsurvey.export.geometry import wkb_points
    from fieldsurvey.export.sample_blocks import sample_blocks
    from fieldsurvey.export.typed import TypedSamples
    from tests.support.export_bulk import bulk_tables

    tables = bulk_tables(points)
    typed, batches = TypedSamples(tables), []
    for block in sample_blocks(tables, typed.read):
        rows = typed(block).select(typed.names)
        wkb = wkb_points(rows["longitude_deg"], rows["latitude_deg"])
        batches += rows.to_arrow().append_column("geom", wkb).to_batches()
    path = folder / "gdal.gpkg"
    path.unlink(missing_ok=True)
    watch = _Stopwatch()
    with watch:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(batches[0].schema, batches), path, layer="samples",
            driver="GPKG", geometry_name="geom", geometry_type="Point", crs="EPSG:4326",
        )  # fmt: skip
    return watch, points


def kml_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("kml", points, folder / "ours.kml")


def parquet_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_out("parquet", points, folder / "ours.parquet")


def gpx_in(_points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_in(folder / "ours.gpx")


def gpx_with_ours_in(_points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _ours_in(folder / "ours-with.gpx")


def _ours_in(path: Path) -> tuple[_Stopwatch, int]:
    from fieldsurvey.export.gpx_stream import read_stream

    # The peers' imports are not timed either; ours come with the first use.
    read_stream(io.BytesIO(b'<gpx><trk><trkseg><trkpt lat="1" lon="2"/></trkseg></trk></gpx>'))
    watch = _Stopwatch()
    with path.open("rb") as stream, watch:
        frame = read_stream(stream)
    return watch, len(frame)


def gpxpy_in(_points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _gpxpy_in(folder / "ours.gpx")


def gpxpy_with_ours_in(_points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _gpxpy_in(folder / "ours-with.gpx")


def _gpxpy_in(path: Path) -> tuple[_Stopwatch, int]:
    import gpxpy

    watch = _Stopwatch()
    with path.open(encoding="utf-8") as stream, watch:
        gpx = gpxpy.parse(stream)
    return watch, gpx.get_track_points_no()


def gpxpy_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _gpxpy_out(points, folder / "gpxpy.gpx", with_ours=False)


def gpxpy_with_ours_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _gpxpy_out(points, folder / "gpxpy-with.gpx", with_ours=True)


def _gpxpy_out(points: int, path: Path, *, with_ours: bool) -> tuple[_Stopwatch, int]:
    import gpxpy.gpx
    import polars as pl

    from fieldsurvey.export import text
    from fieldsurvey.export.columns import sample_columns
    from fieldsurvey.export.gpx_points import POINT_ELEMENTS
    from fieldsurvey.export.positions import track_pieces
    from tests.support.export_bulk import bulk_tables

    gpx = gpxpy.gpx.GPX()
    gpx.nsmap["fs"] = "urn:fieldsurvey:gpx:1"
    track = gpxpy.gpx.GPXTrack()
    gpx.tracks.append(track)
    ours = {name: value for name, value in sample_columns().items() if name in POINT_ELEMENTS}
    for piece, _rows in track_pieces(bulk_tables(points).sample_pieces()):
        times = piece.select(text.utc(pl.col("fix_utc_us")).dt.replace_time_zone("UTC")).to_series()
        values = text.as_text(piece.select(**ours)).iter_rows(named=True)
        for row, moment, extra in zip(piece.iter_rows(named=True), times, values, strict=True):
            if row["begins_segment"]:
                track.segments.append(gpxpy.gpx.GPXTrackSegment())
            point = gpxpy.gpx.GPXTrackPoint(
                row["latitude_deg"], row["longitude_deg"], row["altitude_m"], moment
            )
            point.type_of_gpx_fix = "3d"
            point.satellites = row["satellites"]
            point.horizontal_dilution = row["hdop"]
            if with_ours:
                point.extensions = [
                    _element(name, value) for name, value in extra.items() if value is not None
                ]
            track.segments[-1].points.append(point)
    watch = _Stopwatch()
    with path.open("w", encoding="utf-8") as stream, watch:
        stream.write(gpx.to_xml("1.1"))
    return watch, gpx.get_track_points_no()


def _element(name: str, value: str) -> ET.Element:
    element = ET.Element(f"{{urn:fieldsurvey:gpx:1}}{name}")
    element.text = value
    return element


def csv_module_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    """The same file by the csv module; numbers are formatted as they are written."""
    from tests.support.export_bulk import bulk_tables
    from tests.support.export_csv_peer import HEADER, formatted

    rows = [
        row for piece in bulk_tables(points).sample_pieces() for row in piece.iter_rows(named=True)
    ]
    watch = _Stopwatch()
    with (folder / "peer.csv").open("w", encoding="utf-8", newline="") as stream, watch:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(map(formatted, rows))
    return watch, len(rows)


def csv_module_bare_out(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    """The stored values as they are, by the csv module: no unit, no rule, its own digits."""
    from tests.support.export_bulk import bulk_tables

    rows = [row for piece in bulk_tables(points).sample_pieces() for row in piece.iter_rows()]
    watch = _Stopwatch()
    with (folder / "bare.csv").open("w", encoding="utf-8", newline="") as stream, watch:
        csv.writer(stream).writerows(rows)
    return watch, len(rows)


def make_survey(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    """A survey file with all that a drive fills in. Its rows are copied by the database: recording
    them one by one takes minutes, and is no part of an export."""
    from tests.support.opening_bulk import write_long_survey

    watch = _Stopwatch()
    with watch:
        write_long_survey(folder / "bulk.fsurvey", points)
    return watch, points


def survey_to_gpx(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _survey_to("gpx", folder)


def survey_to_csv(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _survey_to("csv", folder)


def survey_to_gpkg(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _survey_to("gpkg", folder)


def survey_to_parquet(points: int, folder: Path) -> tuple[_Stopwatch, int]:
    return _survey_to("parquet", folder)


def _survey_to(format_name: str, folder: Path) -> tuple[_Stopwatch, int]:
    from fieldsurvey.export.registry import export_survey

    watch = _Stopwatch()
    with watch:
        output = folder / f"survey.{format_name}"
        report = export_survey(folder / "bulk.fsurvey", format_name, output)
    return watch, report.points


def main(job: str, points: str, folder: str) -> None:
    jobs: dict[str, Callable[[int, Path], tuple[_Stopwatch, int]]] = {
        function.__name__: function
        for function in (
            gpx_out, gpx_with_ours_out, csv_out, geojson_out, gpkg_out, kml_out, parquet_out,
            csv_seven_out, gpkg_seven_out, parquet_seven_out, pyogrio_out,
            gpx_in, gpx_with_ours_in,
            gpxpy_in, gpxpy_with_ours_in, gpxpy_out, gpxpy_with_ours_out,
            csv_module_out, csv_module_bare_out, make_survey, survey_to_gpx, survey_to_csv,
            survey_to_gpkg, survey_to_parquet,
        )
    }  # fmt: skip
    watch, count = jobs[job](int(points), Path(folder))
    measured = {
        "seconds": watch.seconds, "cpu_s": watch.cpu_s, "peak_mb": watch.peak_mb or peak_mb(),
        "points": count,
    }  # fmt: skip
    sys.stdout.write(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
