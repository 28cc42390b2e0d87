"""Recordings of 14 real receivers, compared with what a real gpsd makes of them."""

import asyncio
import concurrent.futures
import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pynmeagps import NMEAReader

from fieldsurvey.model.clock import ScaledClock
from fieldsurvey.model.position import Fix, FixFlag, FixType, TroubleKind
from fieldsurvey.position import open_position
from fieldsurvey.position.nmea import NmeaDecoder
from fieldsurvey.position.screen import Screen
from fieldsurvey.position.stream import Arrival, Moment
from tests.support.position import collect, decode, fixes, troubles

pytestmark = [pytest.mark.realdata, pytest.mark.xdist_group("receivers")]  # gpsd reads them once

NMEA_LOGS = {
    # log: fixes, moments the receiver calls void
    "garmin15x": (7, 0),
    "gp-320fw-2019-04-07-coldboot": (2, 18),
    "neo-m8n": (24, 0),
    "nmea-fuzzy-cases": (14, 0),
    "nmea-rtk": (122, 0),
    "quectel-eg25-g": (23, 37),
    "quectel-l76k-nmea": (151, 0),
    "tcp-torture": (1, 0),
    "telit-he910": (187, 37),
    "ublox-8": (72, 0),
    "ublox-neo-m9n-nmea": (61, 0),
    "ublox-zed-f9p-nmea": (29, 0),
}
BINARY_LOGS = ("bu303-moving", "bu303-nofix")  # SiRF binary: only gpsd can read them
PEERS_TRIES = 3
WEEKS_1024_US = 1024 * 7 * 86_400 * 1_000_000


@pytest.fixture(scope="session")
def receivers(shared_data: Path) -> Path:
    return shared_data / "drives" / "receivers"


def chunks(receivers: Path, log: str) -> list[bytes]:
    """The bytes of a log; ``|`` marks a write boundary in the one made for TCP."""
    data = (receivers / f"{log}.log").read_bytes()
    return data.split(b"|") if log == "tcp-torture" else [data]


@pytest.fixture(scope="session")
def gpsd_positions(receivers: Path) -> Callable[[str], list[dict[str, Any]]]:
    """What gpsd reports as positions, by log. All logs run at once: gpsfake mostly sleeps."""
    if not (shutil.which("gpsd") and shutil.which("gpsfake")):
        pytest.skip("gpsd and gpsfake are not installed")
    with contextlib.ExitStack() as held:
        servers = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in NMEA_LOGS]
        ports = [server.getsockname()[1] for server in servers]

    def run(log: str, port: int) -> list[dict[str, Any]]:
        command = ["gpsfake", "-1", "-p", "-P", str(port), f"{receivers / log}.log"]
        for _ in range(PEERS_TRIES):  # on a busy machine gpsfake may give its gpsd up too soon
            done = subprocess.run(command, capture_output=True, timeout=120)
            if done.returncode == 0:
                break
        assert done.returncode == 0, done.stderr.decode()
        lines = [line for line in done.stdout.splitlines() if line.startswith(b'{"class":"TPV"')]
        return [report for report in map(json.loads, lines) if "lat" in report]

    with concurrent.futures.ThreadPoolExecutor(len(NMEA_LOGS)) as pool:
        found = dict(zip(NMEA_LOGS, pool.map(run, NMEA_LOGS, ports), strict=True))
    return found.__getitem__


def gnss_us(report: dict[str, Any]) -> int | None:
    if "time" not in report:
        return None
    return round(datetime.fromisoformat(report["time"]).timestamp() * 1_000_000)


@pytest.mark.parametrize("log", NMEA_LOGS)
def test_same_positions_at_the_same_times_as_gpsd(
    log: str, receivers: Path, gpsd_positions: Callable[[str], list[dict[str, Any]]]
) -> None:
    theirs: dict[int, list[dict[str, Any]]] = {}
    for report in gpsd_positions(log):
        time_us = gnss_us(report)
        if time_us is not None:  # gpsd also reports positions before it knows the time
            # gpsd adds 1024 weeks to dates it finds too old; we leave and flag them.
            theirs.setdefault(time_us % WEEKS_1024_US, []).append(report)
    ours = {
        fix.gnss_utc_us % WEEKS_1024_US: fix
        for fix in fixes(decode(chunks(receivers, log)))
        if fix.gnss_utc_us is not None
    }
    assert theirs.keys() <= ours.keys()
    # gpsd holds the last moment of a log back until it is sure of it.
    assert len(ours.keys() - theirs.keys()) <= 1
    for time_us, reports in theirs.items():
        fix = ours[time_us]
        distances = [
            max(abs(r["lat"] - fix.latitude_deg), abs(r["lon"] - fix.longitude_deg))
            for r in reports
        ]
        assert min(distances) < 1e-6, (log, fix)


@pytest.mark.parametrize("log", NMEA_LOGS)
def test_fixes_and_voids(log: str, receivers: Path) -> None:
    statements = decode(chunks(receivers, log))
    found = fixes(statements)
    assert (len(found), len(statements) - len(found)) == NMEA_LOGS[log]
    for fix in found:
        assert fix.fix_type is not FixType.NONE
        assert fix.hdop is None or 0.3 < fix.hdop < 10
        assert fix.satellites is None or 3 <= fix.satellites <= 30


@pytest.mark.parametrize("log", NMEA_LOGS)
def test_chunking_changes_nothing(log: str, receivers: Path) -> None:
    data = b"".join(chunks(receivers, log))
    pieces = [data[start : start + 61] for start in range(0, len(data), 61)]
    assert decode(pieces, step_us=0) == decode([data], step_us=0)


@pytest.mark.parametrize("log", NMEA_LOGS)
def test_no_false_alarms_on_parked_and_walking_receivers(log: str, receivers: Path) -> None:
    screen = Screen()
    judged = [
        screen.judge(replace(fix, mono_us=fix.gnss_utc_us))  # as if it had arrived in time
        for fix in fixes(decode(chunks(receivers, log)))
        if fix.gnss_utc_us is not None
    ]
    assert not [fix for fix in judged if fix.flags & (FixFlag.JUMP | FixFlag.FROZEN)]
    stale = [fix for fix in judged if fix.flags & FixFlag.STALE]
    # The Telit's second fix is 0.3 s before its first, by its own clock.
    assert len(stale) == (1 if log == "telit-he910" else 0)


@pytest.mark.parametrize("log", NMEA_LOGS)
def test_every_intact_sentence_is_intact_to_pynmeagps(log: str, receivers: Path) -> None:
    data = b"".join(chunks(receivers, log))
    decoder = NmeaDecoder()
    decoder.feed(Arrival(data, Moment(0, 0)))
    lines = [line for line in data.splitlines() if line.startswith(b"$") and line[-3:-2] == b"*"]
    passed = 0
    for line in lines:
        try:
            NMEAReader.parse(line)
            passed += 1
        except Exception:  # noqa: BLE001 - whatever it raises, it does not accept the line
            continue
    # Whole lines only: we also find sentences glued behind others and lines cut before their end.
    assert passed <= decoder.understood <= passed + decoder.broken + 5


@pytest.mark.parametrize("log", BINARY_LOGS)
def test_binary_protocol_is_called_garbage(log: str, receivers: Path) -> None:
    source = open_position(f"replay:{receivers / log}.log", ScaledClock(50))
    reports = asyncio.run(collect(source, (lambda _: False, lambda: None)))
    assert fixes(reports) == []
    assert troubles(reports) == [TroubleKind.GARBAGE, TroubleKind.ENDED]


def last_fix(receivers: Path, log: str) -> Fix:
    return fixes(decode(chunks(receivers, log)))[-1]


def test_what_single_receivers_are_known_for(receivers: Path) -> None:
    assert last_fix(receivers, "ublox-neo-m9n-nmea").accuracy_m == pytest.approx(1.336, abs=1e-3)
    assert last_fix(receivers, "nmea-rtk").fix_type is FixType.RTK_FIXED
    assert last_fix(receivers, "quectel-eg25-g").satellites == 8  # its GPGGA says 3: GPS alone
    assert last_fix(receivers, "garmin15x").fix_type is FixType.DGNSS
    rollover = last_fix(receivers, "neo-m8n")
    assert rollover.gnss_utc_us is not None
    assert datetime.fromtimestamp(rollover.gnss_utc_us / 1e6).year == 2015


@pytest.mark.parametrize("log", ["quectel-eg25-g", "telit-he910", "gp-320fw-2019-04-07-coldboot"])
def test_cold_start_through_the_whole_source(log: str, receivers: Path) -> None:
    source = open_position(f"replay:{receivers / log}.log", ScaledClock(300))
    reports = asyncio.run(collect(source, (lambda _: False, lambda: None)))
    assert TroubleKind.NO_FIX in troubles(reports)
    assert len(fixes(reports)) == NMEA_LOGS[log][0]
