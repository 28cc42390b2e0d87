"""Real logs and real drives, from import to print."""

import gzip
import json
import re
from pathlib import Path

import pytest

from fieldsurvey.export.importing import import_file
from fieldsurvey.export.opening import open_measurements
from fieldsurvey.places.places_file import import_files, open_places
from fieldsurvey.report.subject import Everything, Highway
from fieldsurvey.report.writing import write_report
from fieldsurvey.throughput.targets import load_targets
from tests.support.pdf_reading import needs_poppler, text_of

pytestmark = [pytest.mark.realdata, needs_poppler]


def test_a_gnettrack_survey(shared_data: Path, tmp_path: Path) -> None:
    survey = tmp_path / "orange.fsurvey"
    target = load_targets()["national-100"]
    for name in ("Orange_log.txt", "Orange_log_datatest.txt"):
        import_file(shared_data / "logs" / name, survey, target=target)
    m = open_measurements([survey])
    newest = int(m.samples["utc_us"].max())  # type: ignore[arg-type]
    written = write_report(
        m, Everything(), tmp_path / "orange.pdf", places=None, language="en", now_utc_us=newest
    )
    assert (written.tests, written.asked) == (40, 40)
    text = text_of(tmp_path / "orange.pdf")
    assert "(Orange): below 100 Mbps, 17 tests, 95 %; without service: 12" in text
    assert "connected, then nothing came" in text
    assert "mean-against-target/2" in text
    assert "their error is not known" in text
    assert "3G" in text


def test_318_km_without_tests(shared_data: Path, tmp_path: Path) -> None:
    content = gzip.decompress((shared_data / "drives" / "highway_318km.gpx.gz").read_bytes())
    # Every sixth fix of the drive is enough road to print.
    content = re.sub(
        rb"(<trkpt.*?</trkpt>\s*)" + rb"<trkpt.*?</trkpt>\s*" * 5, rb"\1", content, flags=re.S
    )
    (tmp_path / "drive.gpx").write_bytes(content)
    import_file(tmp_path / "drive.gpx", tmp_path / "drive.fsurvey", target=None)
    points = re.findall(rb'<trkpt lat="([-\d.]+)" lon="([-\d.]+)"', content)
    road = [[float(longitude), float(latitude)] for latitude, longitude in points[::7]]
    assert len(road) > 100
    line = {"type": "LineString", "coordinates": road}
    feature = {"type": "Feature", "properties": {"ref": "REAL-1"}, "geometry": line}
    roads = tmp_path / "roads.geojson"
    roads.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    import_files([roads], tmp_path / "real.places")
    places = open_places(tmp_path / "real.places")
    m = open_measurements([tmp_path / "drive.fsurvey"], places=places)
    newest = int(m.samples["utc_us"].max())  # type: ignore[arg-type]
    written = write_report(
        m, Highway("REAL-1"), tmp_path / "x.pdf", places=places, language="ru", now_utc_us=newest
    )
    assert (written.tests, written.empty) == (0, False)
    text = text_of(tmp_path / "x.pdf")
    assert "участков без достаточных данных для 100 Мбит/с" in text
    assert "Не напечатано: учтено меньше тестов, чем 5" in text
