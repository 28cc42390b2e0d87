"""Reads recordings for replay: NMEA logs as they came down the cable, and GPX tracks.

A recording is cut into moments with the time between them. Must not judge or repair: damaged
sentences are replayed damaged, so that a replay meets the same trouble as the drive did.
"""

import gzip
import re
import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias, cast

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.position import Fix, FixType
from fieldsurvey.position.nmea_fix import utc_us
from fieldsurvey.position.stream import Statement

DAY_US = 86_400 * US_PER_S
STEP_US = US_PER_S  # between moments whose times do not say
# A longer hole is the end of one drive and the start of another: nobody waits through the night.
LONGEST_GAP_US = 600 * US_PER_S
BREAK_US = 60 * US_PER_S
UNTIMED_BYTES = 960  # a second at 9600 baud, for stretches that are not NMEA at all

DAMAGES = (OSError, EOFError, zlib.error)  # what reading a truncated or corrupt file raises

Content: TypeAlias = bytes | Statement

_TIMED = re.compile(
    rb"\$..(?:(?:RMC|GGA|GNS|ZDA|GST),|GLL,(?:[^,]*,){4})(\d\d)(\d\d)(\d\d(?:\.\d{1,6})?)"
)
_DATED = re.compile(rb"\$..RMC,[^,]*,A,(?:[^,]*,){6}(\d\d)(\d\d)(\d\d),")  # void: garbage
_CYCLE = re.compile(rb"\$(..(?:RMC|GGA|GNS|GLL)),")


@dataclass(frozen=True, slots=True)
class RecordedMoment:
    """What arrived ``at_us`` after the start: bytes of NMEA, or a statement read from GPX.
    ``after_break``: a hole too long to be replayed in full lies before it."""

    at_us: int
    after_break: bool
    content: Content


class Recording:
    """A file that can be replayed.

    Raises KnownError ``position.no_file``, ``position.bad_recording`` or ``position.no_times``
    (a GPX track without times cannot be driven again).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._points: list[tuple[_Stamp | None, Statement]] | None = None
        try:
            with _opened(path) as file:
                start = file.read(200)
                if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
                    self._points = _gpx_points(start + file.read())
        except FileNotFoundError as error:
            raise KnownError("position.no_file", path=path) from error
        except (*DAMAGES, ValueError) as error:
            raise KnownError("position.bad_recording", path=path) from error
        if self._points == []:
            raise KnownError("position.no_times", path=path)

    def moments(self) -> Generator[RecordedMoment, None, None]:
        """Yield the moments in recorded order; one of ``DAMAGES`` where the file breaks off."""
        if self._points is not None:
            yield from _spread(self._points)
        else:
            yield from _spread(_nmea_moments(self._path))


def _opened(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path))  # it is one in all but name
    return path.open("rb")


class _Stamp(NamedTuple):
    """When something was recorded; ``day`` only where the recording states a date."""

    day: int | None
    time_of_day_us: int


def _between_us(a: _Stamp, b: _Stamp) -> int:
    step_us = b.time_of_day_us - a.time_of_day_us
    if a.day is not None and b.day is not None:
        return (b.day - a.day) * DAY_US + step_us
    return (step_us + DAY_US // 2) % DAY_US - DAY_US // 2  # past midnight, or back a little


def _spread(stamped: Iterable[tuple[_Stamp | None, Content]]) -> Iterator[RecordedMoment]:
    """Turn recorded times into times since the start that never go back."""
    at_us = 0
    last: _Stamp | None = None
    for number, (stamp, content) in enumerate(stamped):
        step_us = 0
        if stamp is not None and last is not None:
            step_us = _between_us(last, stamp)
        if step_us <= 0 and number > 0:
            step_us = STEP_US
        after_break = step_us > LONGEST_GAP_US
        at_us += BREAK_US if after_break else step_us
        yield RecordedMoment(at_us, after_break, content)
        last = stamp or last


def _nmea_moments(path: Path) -> Iterator[tuple[_Stamp | None, bytes]]:
    """Cut a log where the time stamp changes or a sentence comes again."""
    data = b""
    time_us: int | None = None
    seen: set[bytes] = set()
    with _opened(path) as file:
        for line in file:
            line_us, cycle = _time_of_day_us(line), _CYCLE.search(line)
            if (
                (None not in (line_us, time_us) and line_us != time_us)
                or (cycle is not None and cycle[1] in seen)
                or (not seen and len(data) + len(line) > UNTIMED_BYTES)
            ):
                yield _stamp(time_us, data), data
                data, time_us, seen = b"", None, set()
            data += line
            time_us = line_us if time_us is None else time_us
            if cycle is not None:
                seen.add(cycle[1])
    yield _stamp(time_us, data), data


def _time_of_day_us(line: bytes) -> int | None:
    match = _TIMED.search(line)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return (int(hours) * 3600 + int(minutes) * 60) * US_PER_S + round(float(seconds) * US_PER_S)


def _stamp(time_us: int | None, data: bytes) -> _Stamp | None:
    if time_us is None:
        return None
    match = _DATED.search(data)
    if match is None:
        return _Stamp(None, time_us)
    day, month, year = map(int, match.groups())
    try:
        return _Stamp(date(2000 + year, month, day).toordinal(), time_us)
    except ValueError:
        return _Stamp(None, time_us)


def _gpx_points(document: bytes) -> list[tuple[_Stamp | None, Statement]]:
    """Return the timed points of all tracks; ValueError where it is not GPX."""
    import gpxpy

    try:
        gpx = gpxpy.parse(document.decode("utf-8-sig", errors="replace"))
    except gpxpy.gpx.GPXException as error:
        raise ValueError("not GPX") from error
    points = (point for track in gpx.tracks for part in track.segments for point in part.points)
    return [
        _gpx_statement(point)
        for point in points
        if point.time is not None and abs(point.latitude) <= 90 and abs(point.longitude) <= 180
    ]


def _gpx_statement(point: Any) -> tuple[_Stamp, Statement]:
    time = point.time if point.time.tzinfo else point.time.replace(tzinfo=UTC)
    time_us = utc_us(time)
    stamp = _Stamp(*divmod(time_us, DAY_US))
    if point.type_of_gpx_fix == "none":
        return stamp, None
    unstated = FixType.FIX_2D if point.elevation is None else FixType.FIX_3D
    types = {"2d": FixType.FIX_2D, "3d": FixType.FIX_3D, "dgps": FixType.DGNSS}
    fix = Fix(
        utc_us=0,  # filled in when it is replayed
        mono_us=0,
        latitude_deg=point.latitude,
        longitude_deg=point.longitude,
        fix_type=types.get(point.type_of_gpx_fix, unstated),
        gnss_utc_us=time_us,
        altitude_m=point.elevation,
        speed_mps=point.speed,
        heading_deg=point.course,
        hdop=point.horizontal_dilution,
        satellites=point.satellites,
    )
    return stamp, fix
