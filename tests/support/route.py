"""A straight synthetic drive as NMEA sentences, for tests that need a moving receiver."""

import datetime
from functools import reduce
from pathlib import Path

START = datetime.datetime(2026, 5, 4, 6, 0, tzinfo=datetime.UTC)
DEGREES_PER_M = 1 / 111_100.0


def write_route(path: Path, seconds: int, *, speed_mps: float = 25.0) -> Path:
    """Write one fix a second, due north from 43° N 77° E; return ``path``."""
    lines: list[str] = []
    for second in range(seconds):
        lines += sentences(second, speed_mps)
    path.write_bytes("".join(lines).encode("ascii"))
    return path


def sentences(second: int, speed_mps: float) -> list[str]:
    """GGA and RMC of one second, with checksums and line ends."""
    moment = START + datetime.timedelta(seconds=second)
    latitude = _minutes(43.0 + second * speed_mps * DEGREES_PER_M, 2)
    longitude = _minutes(77.0, 3)
    knots = speed_mps / 0.514444
    return [
        _sentence(
            f"GPGGA,{moment:%H%M%S}.00,{latitude},N,{longitude},E,1,09,0.9,650.0,M,-40.0,M,,"
        ),
        _sentence(
            f"GPRMC,{moment:%H%M%S}.00,A,{latitude},N,{longitude},E,{knots:.1f},0.0,"
            f"{moment:%d%m%y},,,A"
        ),
    ]


def _minutes(degrees: float, width: int) -> str:
    whole = int(degrees)
    return f"{whole:0{width}d}{(degrees - whole) * 60:08.5f}"


def _sentence(body: str) -> str:
    checksum = reduce(lambda total, character: total ^ ord(character), body, 0)
    return f"${body}*{checksum:02X}\r\n"
