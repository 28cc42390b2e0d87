"""The fast way of reading GPX gives gpxpy's numbers, on our files and on nasty ones."""

import gzip
import io
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fieldsurvey.export import gpx_reader
from fieldsurvey.export.gpx_format import Gpx
from fieldsurvey.export.gpx_reader import frame_of, read_gpx, read_gpx_points
from fieldsurvey.export.gpx_stream import GpxStreamError, read_stream
from fieldsurvey.model.errors import KnownError
from tests.support.export_reading import written
from tests.support.export_surveys import real_life

HEAD = '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'


def by_gpxpy(tmp_path: Path, data: bytes) -> pl.DataFrame:
    path = tmp_path / "small.gpx"
    path.write_bytes(data)
    return frame_of(read_gpx(path))


def assert_same(tmp_path: Path, data: bytes) -> pl.DataFrame:
    """Both ways agree to the last bit, whatever the blocks."""
    expected = by_gpxpy(tmp_path, data)
    for block_bytes in (len(data) // 100 + 50, len(data) // 7 + 50, 4_000_000):
        assert_frame_equal(read_stream(io.BytesIO(data), block_bytes), expected, check_exact=True)
    return expected


def track(*points: str) -> bytes:
    return f"{HEAD}<trk><trkseg>{''.join(points)}</trkseg></trk></gpx>".encode()


@pytest.mark.parametrize("exporter", [Gpx(), Gpx(with_extensions=False)])
def test_our_own_files(tmp_path: Path, exporter: Gpx) -> None:
    frame = assert_same(tmp_path, written(exporter, [real_life(1), real_life(2)]))
    assert frame["segment"].max() > 10
    assert 0 < frame["elevation_m"].null_count() < len(frame)


def test_gpxpys_own_files(tmp_path: Path) -> None:
    source = tmp_path / "ours.gpx"
    # gpxpy does not escape what it writes into extensions.
    source.write_bytes(written(Gpx(with_extensions=False), [real_life(3)]))
    assert len(assert_same(tmp_path, read_gpx(source).to_xml().encode())) > 300


@pytest.mark.realdata
def test_nasty_files(tmp_path: Path, shared_data: Path) -> None:
    files = sorted((shared_data / "nasty").glob("*.gpx"))
    assert len(files) == 6
    points = {path.name: len(assert_same(tmp_path, path.read_bytes())) for path in files}
    assert points["cerknicko-without-times.gpx"] > 100
    assert points["unicode_with_bom.gpx"] == 0


@pytest.mark.realdata
def test_a_real_drive(tmp_path: Path, shared_data: Path) -> None:
    data = gzip.decompress((shared_data / "drives" / "highway_318km.gpx.gz").read_bytes())
    assert len(assert_same(tmp_path, data)) > 10_000


ODD_POINTS = [
    '<trkpt lat="1.5" lon="2"></trkpt>',
    '<trkpt lat="1.5" lon="2"/>',
    "<trkpt lat='1.5' lon='2'><ele>3</ele></trkpt>",
    '<trkpt lon="2" lat="1.5"><time>2026-05-01T08:00:00Z</time></trkpt>',
    '<trkpt lat=" 1.5 " lon="+2e1"><ele> 3.25\n</ele></trkpt>',
    '<trkpt lat="1" lon="2"><time>2026-05-01T08:00:00Z</time><ele>3</ele></trkpt>',
    '<trkpt lat="1" lon="2"><ele>3</ele><ele>4</ele></trkpt>',
    '<trkpt lat="1" lon="2"><ele/><time/></trkpt>',
    '<trkpt lat="1" lon="2"><ele>1<x/>2</ele></trkpt>',
    '<trkpt lat="1" lon="2"><ele>1<!-- -->2</ele></trkpt>',
    '<trkpt lat="1" lon="2"><ele>&#49;2</ele></trkpt>',
    '<trkpt lat="1" lon="2"><ele><![CDATA[7]]></ele></trkpt>',
    '<trkpt lat="1" lon="2"><extensions><ele>9</ele><time>x</time></extensions></trkpt>',
    '<trkpt lat="1" lon="2"><extensions><a><ele>9</ele></a></extensions><ele>3</ele></trkpt>',
    '<trkpt lat="1" lon="2"><extensions><temp>9</temp><a:b><a:c>é</a:c></a:b></extensions></trkpt>',
    '<trkpt lat="1" lon="2"><name>Қ&amp;</name><sat>4</sat></trkpt>',
    '<trkpt lat="1" lon="2"><name>Қапшағай</name></trkpt>',
    '<!-- <trkpt lat="5" lon="5"></trkpt> <trkpt lat="6" lon="6"></trkpt> -->',
    "<extensions><trkpt lat='9' lon='9'/></extensions>",
    '<trkpt lat="1" lon="2"><extensions><trkpt lat="8" lon="8"></trkpt></extensions></trkpt>',
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_POINTS)
def test_unusual_points_among_plain_ones(tmp_path: Path, odd: str) -> None:
    plain = [f'<trkpt lat="{n}.25" lon="7"><ele>{n}</ele></trkpt>\n' for n in range(6)]
    data = track(*plain[:3], odd, odd, *plain[3:]).replace(b"<gpx ", b'<gpx xmlns:a="urn:a" ', 1)
    assert len(assert_same(tmp_path, data)) >= 6


TIMES = [
    "2026-05-01T08:00:00Z", "2026-05-01T08:00:00.5Z", "2026-05-01T08:00:00.123456789Z",
    "2026-05-01T08:00:00+05:00", "2026-05-01T08:00:00-0330", "2026-05-01T08:00:00",
    "2026-05-01 08:00:00Z", "2026-5-1T8:0:0Z", "2026-02-30T08:00:00Z", "2026-05-01T08:00:60Z",
    "2026-05-01T24:00:00Z", "2026-05-01", "yesterday", " 2026-05-01T08:00:00Z ",
    "1969-12-31T23:59:59.25Z", "0999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
    "2026-05-01T08:00:00.Z",
]  # fmt: skip


@pytest.mark.parametrize("time", TIMES)
def test_times(tmp_path: Path, time: str) -> None:
    assert_same(tmp_path, track(*[f'<trkpt lat="1" lon="2"><time>{time}</time></trkpt>'] * 3))


def test_plain_points_that_are_not_in_a_segment_are_not_read(tmp_path: Path) -> None:
    points = '<trkpt lat="1" lon="2"></trkpt>' * 3
    data = f"{HEAD}{points}<trk>{points}<trkseg>{points}</trkseg></trk><x>{points}</x></gpx>"
    assert len(assert_same(tmp_path, data.encode())) == 3


def test_segments_are_counted_over_tracks_with_empty_ones(tmp_path: Path) -> None:
    point = '<trkpt lat="1" lon="2"></trkpt>'
    data = (
        f"{HEAD}<trk><trkseg/><trkseg>{point * 3}</trkseg></trk>"
        f"<trk></trk><trk><trkseg>{point}</trkseg><trkseg></trkseg><trkseg>{point}</trkseg></trk></gpx>"
    )
    assert assert_same(tmp_path, data.encode())["segment"].to_list() == [1, 1, 1, 2, 4]


def test_a_point_longer_than_any_block(tmp_path: Path) -> None:
    point = '<trkpt lat="1" lon="2"><ele>3</ele></trkpt>'
    long_one = f'<trkpt lat="4" lon="5"><name>{"x" * 9_000}</name></trkpt>'
    data = track(point, long_one, point, long_one, point)
    assert len(assert_same(tmp_path, data)) == 5
    assert len(read_stream(io.BytesIO(data), 1_000)) == 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1251"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    point = (
        '<trkpt lat="1" lon="2"><name>é</name></trkpt>'
        if "1251" not in encoding
        else ('<trkpt lat="1" lon="2"><name>Шу</name></trkpt>')
    )
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = f"{head}<gpx><trk><trkseg>{point * 5}</trkseg></trk></gpx>"
    assert len(assert_same(tmp_path, text.encode(encoding))) == 5


NUMBERS = st.one_of(
    st.floats(-180, 180).map(lambda number: f"{number:.12f}"),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"\A-?[0-9]{1,9}(\.[0-9]{1,17})?\Z"),
    st.integers(-(10**20), 10**20).map(str),
)


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.tuples(NUMBERS, NUMBERS, st.none() | NUMBERS), min_size=1, max_size=5))
def test_any_number_to_the_last_bit(values: list[tuple[str, str, str | None]]) -> None:
    points = [
        f'<trkpt lat="{lat}" lon="{lon}">{f"<ele>{ele}</ele>" if ele else ""}</trkpt>'
        for lat, lon, ele in values
    ]
    frame = read_stream(io.BytesIO(track(*points)))
    assert frame["latitude_deg"].to_list() == [float(lat) for lat, _, _ in values]
    assert frame["longitude_deg"].to_list() == [float(lon) for _, lon, _ in values]
    assert frame["elevation_m"].to_list() == [None if e is None else float(e) for _, _, e in values]


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.999])
def test_a_file_broken_off_is_an_error_both_ways(tmp_path: Path, cut: float) -> None:
    data = written(Gpx(), [real_life(1)])
    part = data[: int(len(data) * cut)]
    with pytest.raises(GpxStreamError):
        read_stream(io.BytesIO(part), 10_000)
    path = tmp_path / "part.gpx"
    path.write_bytes(part)
    with pytest.raises(KnownError) as caught:
        read_gpx_points(path)
    assert caught.value.message.id == "export.gpx_unreadable"
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("point", ['<trkpt lat="x" lon="2"/>', '<trkpt lat="1"/>', "<trkpt/>"])
def test_a_point_without_coordinates_is_an_error_both_ways(tmp_path: Path, point: str) -> None:
    with pytest.raises(GpxStreamError):
        read_stream(io.BytesIO(track(point)))
    path = tmp_path / "bad.gpx"
    path.write_bytes(track(point))
    with pytest.raises(KnownError, match="GPX"):
        read_gpx_points(path)


def test_what_is_no_gpx_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.gpx"
    for small_bytes in (0, 2_000_000):
        monkeypatch.setattr(gpx_reader, "SMALL_FILE_BYTES", small_bytes)
        for content in (b"\x89PNG\r\n\x1a\n\x00", b"no xml"):
            path.write_bytes(content)
            with pytest.raises(KnownError) as caught:
                read_gpx_points(path)
            assert caught.value.message.id == "export.gpx_unreadable"
    with pytest.raises(KnownError) as caught:
        read_gpx_points(tmp_path / "missing.gpx")
    assert caught.value.message.id == "export.gpx_missing"


def test_large_files_go_the_fast_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.gpx"
    path.write_bytes(written(Gpx(), [real_life(1)]))
    slow = read_gpx_points(path)
    monkeypatch.setattr(gpx_reader, "SMALL_FILE_BYTES", 0)
    monkeypatch.setattr(gpx_reader, "read_gpx", None)
    fast = read_gpx_points(path)
    assert len(fast) == len(slow)
    assert_frame_equal(fast.frame, slow.frame, check_exact=True)


def test_a_marker_in_a_file_cannot_be_taken_for_ours() -> None:
    point = '<trkpt lat="1" lon="2"></trkpt>'
    data = track(point, "<?points-0123456789abcdef 0 1?>", point)
    assert len(read_stream(io.BytesIO(data))) == 2
    assert not re.search(rb"points-", written(Gpx(), [real_life(1)]))
