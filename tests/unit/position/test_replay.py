"""A replay keeps the pace, the gaps and the damage of the recording."""

import asyncio
import gzip
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fieldsurvey.model.clock import ScaledClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.model.position import Fix, FixFlag, FixType, PositionTrouble, TroubleKind
from fieldsurvey.position import open_position
from fieldsurvey.position.recording import BREAK_US, Recording
from tests.support.position import Report, a_drive, an_epoch, collect, fixes, troubles

S = 1_000_000
NEVER = (lambda _: False, lambda: None)


def play(uri: str, speed: float = 200.0, within_s: float = 20.0) -> list[Report]:
    """All reports of a replay, to its end."""
    source = open_position(uri, ScaledClock(speed))
    assert source.replayed
    return asyncio.run(collect(source, NEVER, within_s=within_s))


def gpx(points: str) -> str:
    return f'<gpx version="1.0" creator="test"><trk><trkseg>{points}</trkseg></trk></gpx>'


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """Three minutes with a hole of one minute after the first."""
    path = tmp_path / "drive.nmea"
    epochs = a_drive(180)
    path.write_bytes(b"".join(epochs[:60] + epochs[120:]))
    return path


def test_pace_gap_and_end(drive: Path) -> None:
    started = time.monotonic()
    reports = play(f"replay:{drive}?speed=200")
    assert 0.895 <= time.monotonic() - started < 3.0  # 179 s at 200
    assert troubles(reports) == [TroubleKind.SILENT, TroubleKind.ENDED]
    seen = fixes(reports)
    assert len(seen) == 120
    stamps = [fix.mono_us - seen[0].mono_us for fix in seen]
    assert stamps == [second * S for second in (*range(60), *range(120, 180))]
    assert [fix.flags for fix in seen] == (
        [FixFlag.NONE] * 60 + [FixFlag.AFTER_GAP] + [FixFlag.NONE] * 59
    )
    silent = reports[60]
    assert isinstance(silent, PositionTrouble)
    assert silent.mono_us - seen[59].mono_us == 3 * S


def test_gnss_time_is_now(drive: Path) -> None:
    before_us = time.time_ns() // 1000
    seen = fixes(play(f"replay:{drive}", speed=2000))
    after_us = time.time_ns() // 1000
    assert seen[0].clock_offset_us == 0
    assert max(abs(fix.clock_offset_us or 0) for fix in seen) < S
    # the drive's clock runs 2000 times as fast, while the replay is being opened as well
    assert 0 <= seen[0].utc_us - before_us <= 2000 * (after_us - before_us)


def test_gnss_time_as_recorded(drive: Path) -> None:
    seen = fixes(play(f"replay:{drive}?time=recorded", speed=2000))
    assert seen[0].gnss_utc_us == 1_794_312_000 * S  # 2026-11-10 12:00:00
    other_day = ScaledClock(2000, anchor_utc_us=1_500_000_000 * S)
    source = open_position(f"replay:{drive}?time=recorded", other_day)
    assert fixes(asyncio.run(collect(source, NEVER)))[0].flags == FixFlag.CLOCK_OFFSET


def test_start_skips_into_the_recording(drive: Path) -> None:
    seen = fixes(play(f"replay:{drive}?start=130", speed=2000))
    assert len(seen) == 50
    assert (seen[0].latitude_deg - 43) * 60 == pytest.approx(130 * 0.0108, abs=1e-4)


def test_a_night_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "two_days.nmea"
    path.write_bytes(an_epoch("120000.00") + an_epoch("120001.00") + an_epoch("220000.00"))
    seen = fixes(play(f"replay:{path}", speed=500))
    assert seen[2].mono_us - seen[1].mono_us == BREAK_US
    assert seen[2].clock_offset_us == 0


@pytest.mark.parametrize("later", ["080000.00", "160000.00"])
def test_weeks_between_two_drives_are_not_waited_for(tmp_path: Path, later: str) -> None:
    path = tmp_path / "two_weeks.nmea"
    path.write_bytes(an_epoch("120000.00") + an_epoch(later, date="241126"))
    first, second = fixes(play(f"replay:{path}", speed=500))
    assert second.mono_us - first.mono_us == BREAK_US
    assert second.flags == FixFlag.AFTER_GAP
    assert second.clock_offset_us == 0


def test_log_past_midnight(tmp_path: Path) -> None:
    path = tmp_path / "night.nmea"
    path.write_bytes(
        an_epoch("235958.00")
        + an_epoch("000003.00", date="111126")
        + an_epoch("000004.00", status="V", date="220899")  # a void date says nothing
        + an_epoch("000006.00", date="111126")
    )
    assert [m.at_us // S for m in Recording(path).moments()] == [0, 5, 6, 8]


def test_restart_of_the_receiver_in_the_log_takes_a_second(tmp_path: Path) -> None:
    path = tmp_path / "restart.nmea"
    path.write_bytes(an_epoch("120000.00") + an_epoch("115900.00") + an_epoch("115901.00"))
    assert [m.at_us // S for m in Recording(path).moments()] == [0, 1, 2]


def test_log_without_times_or_sentences_still_replays(tmp_path: Path) -> None:
    path = tmp_path / "binary.log"
    path.write_bytes(b"\xa0\xa2 no nmea at all\n" * 500)
    reports = play(f"replay:{path}", speed=100)
    assert troubles(reports) == [TroubleKind.GARBAGE, TroubleKind.ENDED]


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_empty_recording_just_ends(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.nmea"
    path.write_bytes(content)
    assert troubles(play(f"replay:{path}")) == [TroubleKind.ENDED]


def test_truncated_gzip_ends_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "drive.nmea.gz"
    path.write_bytes(gzip.compress(b"".join(a_drive(2000)))[:-2000])
    reports = play(f"replay:{path}", speed=20_000)
    assert 0 < len(fixes(reports)) < 2000
    assert isinstance(last := reports[-1], PositionTrouble)
    assert (last.kind, last.message.id) == (TroubleKind.ENDED, "position.ended_damaged")


def test_gpx_says_what_it_knows_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "drive.gpx"
    path.write_text(
        "\ufeff"
        + gpx(
            '<trkpt lat="43.1" lon="77.2"><ele>800</ele><time>2026-11-10T12:00:00Z</time>'
            "<course>90</course><speed>25</speed><fix>dgps</fix><sat>8</sat><hdop>1.1</hdop></trkpt>"
            '<trkpt lat="43.1" lon="77.3"/>'
            '<trkpt lat="43.1" lon="77.2004"><time>2026-11-10T12:00:01Z</time></trkpt>'
            '<trkpt lat="43.1" lon="77.2"><time>2026-11-10T12:00:02Z</time><fix>none</fix></trkpt>'
        ),
        encoding="utf-8",
    )
    reports = play(f"replay:{path}?time=recorded")
    assert troubles(reports) == [TroubleKind.NO_FIX, TroubleKind.ENDED]
    first, second = fixes(reports)
    assert replace(first, utc_us=0, mono_us=0, flags=FixFlag.NONE) == Fix(
        utc_us=0,
        mono_us=0,
        latitude_deg=43.1,
        longitude_deg=77.2,
        fix_type=FixType.DGNSS,
        gnss_utc_us=1_794_312_000 * S,
        altitude_m=800.0,
        speed_mps=25.0,
        heading_deg=90.0,
        hdop=1.1,
        satellites=8,
    )
    assert (second.fix_type, second.altitude_m, second.speed_mps) == (FixType.FIX_2D, None, None)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.gpx", b"<gpx", "position.bad_recording"),
        ("a.gpx.gz", b"not gzip", "position.bad_recording"),
        ("a.gpx", gpx('<trkpt lat="1" lon="2"/>').encode(), "position.no_times"),
        ("a.gpx", gpx("").encode(), "position.no_times"),
    ],
)
def test_unusable_recordings_are_known_at_once(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(KnownError) as refused:
        open_position(f"replay:{path}", ScaledClock(10))
    assert refused.value.message.id == expected


def test_a_late_loop_invents_no_trouble(drive: Path) -> None:
    """At 200 times the speed, 100 ms of somebody else's work is 20 seconds of the drive."""

    async def run() -> list[Report]:
        reports: list[Report] = []
        async for report in open_position(f"replay:{drive}", ScaledClock(200)).reports():
            reports.append(report)
            if len(reports) in (10, 30):
                time.sleep(0.1)  # noqa: ASYNC251 - the lateness under test
        return reports

    reports = asyncio.run(run())
    assert troubles(reports) == [TroubleKind.SILENT, TroubleKind.ENDED]
    assert not any(fix.flags & ~FixFlag.AFTER_GAP for fix in fixes(reports))


@pytest.mark.realdata
def test_nasty_gpx_files_replay_or_are_refused(shared_data: Path) -> None:
    paths = sorted((shared_data / "nasty").rglob("*.gpx"))
    assert paths
    for path in paths:
        try:
            reports = play(f"replay:{path}", speed=1e6)
        except KnownError:
            continue
        assert troubles(reports)[-1] is TroubleKind.ENDED


@pytest.mark.realdata
def test_real_drive_is_the_same_from_nmea_and_gpx(shared_data: Path) -> None:
    minutes = 10
    speed = 300.0

    async def first_minutes(uri: str) -> list[Fix]:
        seen: list[Fix] = []
        async for report in open_position(uri, ScaledClock(speed)).reports():
            if isinstance(report, Fix):
                if seen and report.mono_us - seen[0].mono_us > minutes * 60 * S:
                    break
                seen.append(report)
        return seen

    async def both() -> tuple[list[Fix], list[Fix]]:
        drives = shared_data / "drives"
        uris = [f"replay:{drives / f'highway_318km.{kind}.gz'}" for kind in ("nmea", "gpx")]
        nmea, gpx_ = await asyncio.gather(*map(first_minutes, uris))
        return nmea, gpx_

    nmea, gpx_ = asyncio.run(asyncio.wait_for(both(), 30))
    assert len(nmea) == len(gpx_) > 400
    for a, b in zip(nmea, gpx_, strict=True):
        assert a.mono_us - nmea[0].mono_us == b.mono_us - gpx_[0].mono_us
        assert a.flags == b.flags
        assert not a.flags & ~FixFlag.AFTER_GAP
        # The NMEA file was written with four decimals of a minute: 0.19 m.
        assert distance_m(a.latitude_deg, a.longitude_deg, b.latitude_deg, b.longitude_deg) < 0.2
        assert a.clock_offset_us == b.clock_offset_us == 0
