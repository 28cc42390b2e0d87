"""Whole drives, seconds and tests for the tests of the survey file, one of everything."""

import dataclasses
import uuid

from fieldsurvey.model.drive import Drive, Event, EventKind, Reachability, Sample, SurveyPlan
from fieldsurvey.model.messages import message
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

START_UTC_US = 1_760_000_000_000_000
S = 1_000_000
PLACE = Place("kz-2025.1", "KAZ02", 318_450.5, 3.25, "w101", "Қордай", 0.0)


def a_drive(drive_id: str = "", *, started_utc_us: int = START_UTC_US) -> Drive:
    plan = SurveyPlan(operator="Алатау", access_type=AccessType.MOBILE, trigger_distance_m=None)
    return Drive(
        drive_id or str(uuid.uuid4()),
        started_utc_us,
        plan,
        "serial:/dev/ttyACM0",
        "none:",
        "0.1.0",
        replayed=False,
    )


def a_fix(second: float, *, north_m: float = 0.0, flags: FixFlag = FixFlag.NONE) -> Fix:
    us = int(second * S)
    return Fix(
        START_UTC_US + us,
        us,
        43.0 + north_m / 111_093.0,
        77.0,
        FixType.FIX_3D,
        START_UTC_US + us - 120_000,
        742.5,
        20.0,
        359.9,
        2.5,
        0.9,
        9,
        flags,
    )


def a_radio(second: float) -> RadioState:
    us = int(second * S)
    return RadioState(
        START_UTC_US + us,
        us,
        RadioTechnology.G5_NSA,
        "40177",
        "Altel",
        68_719_476_735,
        12_345,
        "n78",
        -98.5,
        -11.0,
        7.5,
        None,
    )


def a_sample(second: int, cause: Cause | None = None) -> Sample:
    us = second * S
    return Sample(
        START_UTC_US + us,
        us,
        Reachability(cause is None, 40_000 if cause is None else None, cause),
        a_fix(second - 0.1),
        100_000,
        a_radio(second),
        PLACE,
    )


def an_event(second: int, kind: EventKind = EventKind.MARK) -> Event:
    return Event(
        kind, START_UTC_US + second * S, second * S, message("drive.mark", note="мост", n=second)
    )


def a_test(
    second: int, verdict: Verdict = Verdict.ABOVE, *, start_place: Place | None = PLACE
) -> ThroughputTest:
    us = second * S
    phases = (
        Phase(PhaseKind.IDLE_LATENCY, 0, 210_000, round_trips_us=(41_000, 39_500, 44_100)),
        Phase(
            PhaseKind.DOWNLOAD,
            250_000,
            1_900_000,
            25_000_000,
            4,
            Bins(tuple(650_000 + n for n in range(38))),
            Estimate("batch-mean/1", 118_000_000, 109_000_000, 127_000_000, 6, 400_000, 3_000_000),
            (52_000, 61_000),
            1,
        ),
    )
    measurement = Measurement(
        "native",
        Mode.CHECK,
        "http://192.0.2.7:8080",
        Outcome.COMPLETED,
        2_200_000,
        25_000_900,
        phases,
        server_id="almaty-1",
        mss_bytes=1_388,
        congestion_control="cubic",
        stop_reason="interval clear of target",
    )
    target = Target("national-100", "2025-10", 100_000_000, RateLayer.IP)
    return ThroughputTest(
        str(uuid.uuid4()),
        Trigger.KILOMETRE_POST,
        START_UTC_US + us,
        us,
        START_UTC_US + us + 2_200_000,
        us + 2_200_000,
        measurement,
        a_fix(second),
        a_fix(second + 2.0, north_m=40.0),
        start_place,
        None,
        Judgement(verdict, Confidence.HIGH, target, 121_540_000, "interval/1"),
        {"vehicle": "УАЗ", "note": ""},
    )


def a_watched_test(
    second: int, verdict: Verdict = Verdict.ABOVE, *, link: str = "left"
) -> ThroughputTest:
    """A test with all that a file can know: over a link, watched, told by TCP of both ends."""
    test = a_test(second, verdict)
    idle, download = test.measurement.phases
    download = dataclasses.replace(
        download,
        tcp_local=TcpSummary(48_000, 39_000, 2_100),
        tcp_server=TcpSummary(47_500, 38_800, 25_400_000, 254_000, 1_800_000, 90_000, 0),
        arrivals=Bins(tuple(655_000 - n for n in range(38))),
    )
    measurement = dataclasses.replace(
        test.measurement,
        phases=(Phase(PhaseKind.WAKE_UP, 0, 90_000, 2_000, 1), idle, download),
        detail="a word from the system",
        ip_version=6,
        tls=True,
        pace_bps=200_000_000,
        retry_after_s=7,
        self_check=SelfCheck(
            *("wlan0", InterfaceKind.WIFI, 312, 455, 18_000, 1_200_000, 90_000),
            (SelfLimit.WIFI, SelfLimit.OTHER_TRAFFIC),
        ),
    )
    return dataclasses.replace(
        test,
        trigger=Trigger.CONFIRMATION,
        measurement=measurement,
        end_place=PLACE,
        link=link,
        operator="Алатау",
        access_type=AccessType.MOBILE,
        confirms=str(uuid.uuid4()),
    )


def a_spoiled_test(second: int, outcome: Outcome, cause: Cause | None) -> ThroughputTest:
    """A test without a rate: failed, cancelled or skipped."""
    us = second * S
    wire_bytes = 0 if outcome is Outcome.SKIPPED else 4_321
    measurement = Measurement(
        "native", Mode.CHECK, "http://192.0.2.7", outcome, 3 * S, wire_bytes, (), cause, "errno 113"
    )
    return ThroughputTest(
        str(uuid.uuid4()), Trigger.TIME, START_UTC_US + us, us, START_UTC_US + us, us, measurement
    )
