"""Made-up drives for the exporters: reproducible, with everything that happens on a road."""

import random
from collections.abc import Sequence
from dataclasses import replace

from fieldsurvey.export.from_model import DriveRows
from fieldsurvey.model.drive import Drive, Event, EventKind, Reachability, Sample, SurveyPlan
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, FixFlag, FixType
from fieldsurvey.model.radio import AccessType, RadioState, RadioTechnology
from fieldsurvey.model.throughput import (
    Bins,
    Cause,
    Estimate,
    InterfaceKind,
    Judgement,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    SelfCheck,
    SelfLimit,
    TcpSummary,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict

START_UTC_US = 1_780_000_000_123_000
S = 1_000_000
TARGET = Target("national-100", "2026.1", 100_000_000, RateLayer.IP)


def fix(second: float, **changes: object) -> Fix:
    """A good fix that arrived ``second`` seconds after the start, driving north-east."""
    values: dict[str, object] = {
        "utc_us": START_UTC_US + round(second * S),
        "mono_us": round(second * S) + 7 * S,
        "latitude_deg": 43.2 + second * 2e-4,
        "longitude_deg": 76.9 + second * 1e-4,
        "fix_type": FixType.FIX_3D,
        "altitude_m": 700.0 + second / 10,
        "speed_mps": 25.0,
        "heading_deg": 27.5,
        "accuracy_m": 3.5,
        "hdop": 0.9,
        "satellites": 11,
    }
    return Fix(**(values | changes))  # type: ignore[arg-type]


def sample(second: float, newest: Fix | None, **changes: object) -> Sample:
    """The second ``second`` of a drive, with ``newest`` as its newest fix."""
    mono_us = round(second * S) + 7 * S
    values: dict[str, object] = {
        "utc_us": START_UTC_US + round(second * S),
        "mono_us": mono_us,
        "reachability": Reachability(True, 34_567),
        "fix": newest,
        "fix_age_us": None if newest is None else mono_us - newest.mono_us,
    }
    return Sample(**(values | changes))  # type: ignore[arg-type]


def fresh(second: float, **fix_changes: object) -> Sample:
    """A second whose fix arrived a quarter of a second before."""
    return sample(second, fix(second - 0.25, **fix_changes))


def throughput_test(
    number: int = 1,
    *,
    second: float = 10.0,
    rate_bps: int = 87_654_321,
    verdict: Verdict = Verdict.BELOW,
    place: Place | None = None,
    tags: dict[str, str] | None = None,
    **changes: object,
) -> ThroughputTest:
    """A completed download test that began at ``second``."""
    phases = (
        Phase(PhaseKind.IDLE_LATENCY, 0, 200_000, round_trips_us=(30_000, 50_000, 40_000)),
        Phase(
            PhaseKind.DOWNLOAD,
            200_000,
            2_000_000,
            payload_bytes=21_000_000,
            connections=4,
            bins=Bins((500_000,) * 40),
            estimate=Estimate(
                "batch-mean/1", rate_bps, rate_bps - 2_000_000, rate_bps + 2_000_000, 8, 500_000, 9
            ),
            round_trips_us=(90_000, 110_000),
            round_trips_lost=1,
        ),
    )
    values: dict[str, object] = {
        "test_id": f"00000000-0000-4000-8000-{number:012}",
        "trigger": Trigger.DISTANCE,
        "started_utc_us": START_UTC_US + round(second * S),
        "started_mono_us": round(second * S) + 7 * S,
        "ended_utc_us": START_UTC_US + round(second * S) + 2_200_000,
        "ended_mono_us": round(second * S) + 7 * S + 2_200_000,
        "measurement": Measurement(
            "native",
            Mode.CHECK,
            "fs://127.0.0.1:1",
            Outcome.COMPLETED,
            2_200_000,
            21_000_500,
            phases,
        ),
        "start_fix": fix(second - 0.4),
        "end_fix": fix(second + 2.0),
        "start_place": place,
        "end_place": place,
        "judgement": Judgement(
            verdict, Confidence.HIGH, TARGET, rate_bps + 3_000_000, "interval/1"
        ),
        "tags": tags or {},
    }
    return ThroughputTest(**(values | changes))  # type: ignore[arg-type]


def watched_test(number: int = 3, *, second: float = 30.0, **changes: object) -> ThroughputTest:
    """A test over one link of several that our own side held back, told by TCP of both ends."""
    test = throughput_test(number, second=second)
    idle, download = test.measurement.phases
    download = replace(
        download,
        tcp_local=TcpSummary(48_000, 39_000, 2_100),
        tcp_server=TcpSummary(47_500, 38_800, 21_400_000, 107_000, 1_800_000, 90_000, 0),
    )
    upload = Phase(
        *(PhaseKind.UPLOAD, 2_300_000, 2_000_000, 1_000_000, 4),
        tcp_local=TcpSummary(sent_bytes=1_000_000, retransmitted_bytes=0),
        tcp_server=TcpSummary(min_round_trip_us=41_000),
    )
    measurement = replace(
        test.measurement,
        phases=(Phase(PhaseKind.WAKE_UP, 0, 90_000, 2_000, 1), idle, download, upload),
        ip_version=6,
        tls=True,
        pace_bps=200_000_000,
        retry_after_s=7,
        self_check=SelfCheck(
            *("wlan0", InterfaceKind.WIFI, 312, 455, 18_250, 1_200_000, 90_000),
            (SelfLimit.OTHER_TRAFFIC, SelfLimit.WIFI),
        ),
    )
    values: dict[str, object] = {
        "measurement": measurement,
        "judgement": None,
        "link": "left",
        "operator": "Алатау",
        "access_type": AccessType.SATELLITE,
        "confirms": "00000000-0000-4000-8000-000000000001",
    }
    return replace(test, **(values | changes))  # type: ignore[arg-type]


def no_service_test(
    number: int = 2, *, second: float = 20.0, cause: Cause = Cause.TIMED_OUT, **changes: object
) -> ThroughputTest:
    """A test that the network failed."""
    measurement = Measurement(
        "native",
        Mode.CHECK,
        "fs://127.0.0.1:1",
        Outcome.FAILED,
        3_000_000,
        0,
        (),
        cause,
        "no answer",
    )
    return throughput_test(
        number,
        second=second,
        **({"measurement": measurement, "judgement": None} | changes),  # type: ignore[arg-type]
    )


def drive(number: int = 1, **changes: object) -> Drive:
    values: dict[str, object] = {
        "drive_id": f"10000000-0000-4000-8000-{number:012}",
        "started_utc_us": START_UTC_US,
        "plan": SurveyPlan(name="Almaty north", operator="Test", access_type=AccessType.MOBILE),
        "position_uri": "replay:x",
        "radio_uri": "none:",
        "app_version": "0.1.0",
        "replayed": True,
    }
    return Drive(**(values | changes))  # type: ignore[arg-type]


def real_life(seed: int = 1, seconds: int = 400) -> DriveRows:
    """A drive with gaps, old fixes, no service, radio, places and tests here and there."""
    chance = random.Random(seed)
    samples, tests, newest = [], [], None
    dead_until = -1
    for second in range(seconds):
        if chance.random() < 0.02:
            dead_until = second + chance.randint(1, 15)
        if second > dead_until:
            newest = fix(
                second - chance.random() / 2,
                altitude_m=None if chance.random() < 0.2 else 700 + chance.random(),
                hdop=None if chance.random() < 0.2 else 0.9,
                flags=FixFlag.JUMP if chance.random() < 0.01 else FixFlag.NONE,
            )
        samples.append(sample(second, newest, **_surroundings(chance, second)))
        if second % 40 == 20:
            make = no_service_test if chance.random() < 0.3 else throughput_test
            if second % 160 == 100:
                make = watched_test
            tests.append(make(seed * 1000 + second, second=second, start_fix=newest))
    return DriveRows(drive(seed), samples, tests)


def _surroundings(chance: random.Random, second: int) -> dict[str, object]:
    lost = chance.random() < 0.1
    return {
        "reachability": Reachability(not lost, None, Cause.NO_ROUTE)
        if lost
        else Reachability(True, chance.randint(20_000, 90_000)),
        "radio": RadioState(0, 0, RadioTechnology.G4, "40177", "Tele<2> & co", 123456789, 17)
        if chance.random() < 0.8
        else None,
        "place": Place("osm-1", "KAZ01", 1234.5 + second * 25, 12.0, "s1", "Қапшағай", 0.0)
        if chance.random() < 0.8
        else None,
    }


def resumed(second: float) -> Event:
    return Event(
        EventKind.DRIVE_RESUMED, START_UTC_US + round(second * S), round(second * S) + 7 * S
    )


def one_drive(
    samples: Sequence[Sample] = (),
    tests: Sequence[ThroughputTest] = (),
    events: Sequence[Event] = (),
) -> list[DriveRows]:
    return [DriveRows(drive(), samples, tests, events)]
