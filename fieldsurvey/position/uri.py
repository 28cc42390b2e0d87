"""Reads position URIs and builds the source they name.

``serial:/dev/ttyACM0?baud=9600``  a port (9600 baud unless said)
``serial:auto``                    the first port that speaks NMEA
``gpsd://HOST:PORT``               gpsd (port 2947 unless said; ``?device=PATH`` for one receiver)
``tcp://HOST:PORT``                NMEA from a server
``udp://:PORT``                    NMEA datagrams sent to this computer
``replay:FILE?speed=10``           an NMEA log or GPX track, gzipped or not;
                                   ``start=SECONDS`` into it, ``time=now|recorded`` GNSS times
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from fieldsurvey.model.clock import Clock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.position.gpsd import GpsdDecoder, greeting
from fieldsurvey.position.live import LiveSource
from fieldsurvey.position.network_links import TcpLink, UdpLink
from fieldsurvey.position.nmea import NmeaDecoder
from fieldsurvey.position.replay import ReplaySource
from fieldsurvey.position.serial_auto import AutoSerialLink, listed_ports
from fieldsurvey.position.serial_link import SerialLink
from fieldsurvey.position.source import PositionSource
from fieldsurvey.position.stream import Link

_Number = TypeVar("_Number", int, float)

DEFAULT_BAUD = 9600
GPSD_PORT = 2947

_OPTIONS = {
    "serial": {"baud"},
    "gpsd": {"device"},
    "tcp": set[str](),
    "udp": set[str](),
    "replay": {"speed", "start", "time"},
}


def open_position(
    uri: str, clock: Clock, *, list_ports: Callable[[], Iterable[str]] = listed_ports
) -> PositionSource:
    """Return the source ``uri`` names; nothing is connected before its reports are asked for.

    Raises KnownError ``position.bad_uri``; for a replay also ``position.no_file``,
    ``position.bad_recording`` and ``position.no_times``. ``list_ports`` is what ``serial:auto``
    looks through.
    """
    scheme, rest, options = _parts(uri)
    try:
        match scheme:
            case "serial" if rest == "auto":
                link: Link = AutoSerialLink(clock, list_ports)
                return LiveSource(uri, "serial:auto", clock, link, NmeaDecoder)
            case "serial":
                link = SerialLink(rest, _at_least(1, int(options.get("baud", DEFAULT_BAUD))), clock)
                return LiveSource(uri, rest, clock, link, NmeaDecoder)
            case "gpsd":
                host, port = _address(uri, GPSD_PORT)
                link = TcpLink(host, port, clock, greeting(options.get("device")))
                return LiveSource(uri, f"{host}:{port}", clock, link, GpsdDecoder)
            case "tcp":
                host, port = _address(uri)
                link = TcpLink(host, port, clock)
                return LiveSource(uri, f"{host}:{port}", clock, link, NmeaDecoder)
            case "udp":
                parts = urlsplit(uri)
                port = _at_least(1, parts.port or 0)
                link = UdpLink(parts.hostname or "", port, clock)
                return LiveSource(uri, f"udp :{port}", clock, link, NmeaDecoder)
            case _:  # replay, as _parts has made sure
                replay_speed(uri)
                start_s = _at_least(0, float(options.get("start", 0)))
                as_if_now = {"now": True, "recorded": False}[options.get("time", "now")]
                return ReplaySource(uri, Path(rest), clock, start_s=start_s, as_if_now=as_if_now)
    except (ValueError, KeyError) as error:
        raise KnownError("position.bad_uri", uri=uri) from error


def replay_speed(uri: str) -> float | None:
    """Return the speed a replay URI asks for (1 unless said), None for anything else.

    The source follows the clock it is given: whoever builds that clock reads its speed here.
    KnownError ``position.bad_uri`` where the speed is not a positive number.
    """
    scheme, _, options = _parts(uri)
    if scheme != "replay":
        return None
    try:
        speed = float(options.get("speed", 1))
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise KnownError("position.bad_uri", uri=uri)
    return speed


def _parts(uri: str) -> tuple[str, str, dict[str, str]]:
    scheme, _, rest = uri.partition(":")
    rest, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if scheme not in _OPTIONS or not rest or not options.keys() <= _OPTIONS[scheme]:
        raise KnownError("position.bad_uri", uri=uri)
    return scheme, rest, options


def _address(uri: str, default_port: int = 0) -> tuple[str, int]:
    parts = urlsplit(uri)
    if not parts.hostname:
        raise ValueError("no host")
    return parts.hostname, _at_least(1, parts.port or default_port)


def _at_least(least: int, value: _Number) -> _Number:
    if not value >= least:  # NaN is not
        raise ValueError(f"{value} is less than {least}")
    return value
