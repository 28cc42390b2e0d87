"""Every documented URI opens, everything else is refused with advice before anything starts."""

from pathlib import Path

import pytest

from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.position import open_position, replay_speed

CLOCK = SystemClock()


@pytest.mark.parametrize(
    "uri",
    [
        "serial:/dev/ttyACM0?baud=9600",
        "serial:/dev/ttyACM0",
        "serial:COM3?baud=115200",
        "serial:auto",
        "gpsd://127.0.0.1:2947",
        "gpsd://laptop",
        "gpsd://127.0.0.1:2947?device=/dev/ttyACM0",
        "tcp://[::1]:10110",
        "udp://:10110",
        "udp://127.0.0.1:10110",
    ],
)
def test_documented_uris_open_without_connecting(uri: str) -> None:
    source = open_position(uri, CLOCK)
    assert source.uri == uri
    assert not source.replayed


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "serial",
        "serial:",
        "serial:/dev/ttyACM0?baud=fast",
        "serial:/dev/ttyACM0?baud=0",
        "serial:/dev/ttyACM0?bauds=9600",
        "gpsd://",
        "gpsd://host:99999",
        "tcp://host",
        "tcp://:10110",
        "udp://",
        "udp://:0",
        "bluetooth:receiver",
        "/dev/ttyACM0",
        "replay:",
        "replay:drive.nmea?speed=0",
        "replay:drive.nmea?speed=nan",
        "replay:drive.nmea?speed=inf",
        "replay:drive.nmea?start=-1",
        "replay:drive.nmea?start=nan",
        "replay:drive.nmea?time=later",
    ],
)
def test_anything_else_is_refused(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("drive.nmea").write_bytes(b"")
    with pytest.raises(KnownError) as refused:
        open_position(uri, CLOCK)
    assert refused.value.message.id == "position.bad_uri"
    assert uri in str(refused.value)


def test_missing_replay_is_known_at_once(tmp_path: Path) -> None:
    with pytest.raises(KnownError) as refused:
        open_position(f"replay:{tmp_path / 'lost.nmea'}", CLOCK)
    assert refused.value.message.id == "position.no_file"


def test_replay_speed() -> None:
    assert replay_speed("replay:drive.nmea?speed=10") == 10.0
    assert replay_speed("replay:drive.nmea?start=5") == 1.0
    assert replay_speed("serial:auto") is None
    with pytest.raises(KnownError):
        replay_speed("replay:drive.nmea?speed=-1")
