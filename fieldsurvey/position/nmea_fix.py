"""Reads one fix out of the sentences of one moment.

Must not be kinder than the receiver: any sentence that says "void" makes the moment void, and
dead reckoning in any of them makes it dead reckoning.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from fieldsurvey.model.position import Fix, FixType
from fieldsurvey.position.stream import Moment

POSITION_KINDS = ("GGA", "GNS", "RMC", "GLL")  # in order of preference for coordinates

KNOT_MPS = 1852 / 3600

# NMEA 0183 4.11, GGA quality and positioning mode. Absent: a plain fix, 2D or 3D.
_DEAD = FixType.DEAD_RECKONING  # estimated, typed in by hand or simulated: not measured
_BY_QUALITY = {
    2: FixType.DGNSS,
    4: FixType.RTK_FIXED,
    5: FixType.RTK_FLOAT,
    6: _DEAD,
    7: _DEAD,
    8: _DEAD,
    9: FixType.DGNSS,
}
_BY_MODE = {
    "D": FixType.DGNSS,
    "R": FixType.RTK_FIXED,
    "F": FixType.RTK_FLOAT,
    "E": _DEAD,
    "M": _DEAD,
    "S": _DEAD,
}

Sentences = list[tuple[str, Any]]
_EPOCH0 = datetime.fromtimestamp(0, UTC)


def utc_us(moment: datetime) -> int:
    """Return microseconds since 1970."""
    return (moment - _EPOCH0) // timedelta(microseconds=1)


def fix_from(sentences: Sentences, at: Moment, gnss: datetime | None) -> Fix | None:
    """Return the fix the sentences state together, or None where they state none."""
    if not all(_is_valid(kind, sentence) for kind, sentence in sentences):
        return None
    coordinates = _coordinates(sentences)
    if coordinates is None:
        return None
    latitude_deg, longitude_deg = coordinates
    altitude_m = _first(_numbers(sentences, "alt"))
    satellites = _satellites(sentences)
    return Fix(
        utc_us=at.utc_us,
        mono_us=at.mono_us,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        fix_type=_fix_type(sentences, altitude_m, satellites),
        gnss_utc_us=None if gnss is None else utc_us(gnss),
        altitude_m=altitude_m,
        speed_mps=_speed_mps(sentences),
        heading_deg=_heading_deg(sentences),
        accuracy_m=_accuracy_m(sentences),
        hdop=_first(value for value in _numbers(sentences, "HDOP") if 0 < value < 99),
        satellites=satellites,
    )


def _is_valid(kind: str, sentence: Any) -> bool:
    mode = getattr(sentence, "posMode", "A")  # since NMEA 2.3
    if kind == "GGA":
        return getattr(sentence, "quality", "") not in ("", 0)
    if kind == "GNS":  # one letter per constellation
        return bool(mode.strip("N"))
    if kind == "RMC":
        return getattr(sentence, "status", "") == "A" and mode != "N"
    if kind == "GLL":  # without status before NMEA 2.0
        return getattr(sentence, "status", "A") == "A" and mode != "N"
    return True


def _coordinates(sentences: Sentences) -> tuple[float, float] | None:
    for wanted in POSITION_KINDS:
        for kind, sentence in sentences:
            if kind != wanted or not _has_hemispheres(sentence):
                continue
            latitude_deg, longitude_deg = _number(sentence, "lat"), _number(sentence, "lon")
            if latitude_deg is None or longitude_deg is None:
                continue
            if abs(latitude_deg) <= 90 and abs(longitude_deg) <= 180:
                return latitude_deg, longitude_deg
    return None


def _has_hemispheres(sentence: Any) -> bool:
    return getattr(sentence, "NS", "") in ("N", "S") and getattr(sentence, "EW", "") in ("E", "W")


def _fix_type(sentences: Sentences, altitude_m: float | None, satellites: int | None) -> FixType:
    stated = dict(_stated_types(sentences))
    if _DEAD in stated.values():
        return _DEAD
    for kind in ("GGA", "GNS", "RMC"):
        special = stated.get(kind)
        if special is not None:
            return special
        if kind in stated:
            break
    dimensions = max(_numbers(sentences, "navMode"), default=None)  # GSA: 1 none, 2 or 3
    if dimensions is None:
        dimensions = 3 if altitude_m is not None and (satellites or 0) >= 4 else 2
    return FixType.FIX_3D if dimensions >= 3 else FixType.FIX_2D


def _stated_types(sentences: Sentences) -> Iterator[tuple[str, FixType | None]]:
    for kind, sentence in sentences:
        if kind == "GGA":
            yield kind, _BY_QUALITY.get(getattr(sentence, "quality", 0))
        elif kind in ("GNS", "RMC", "GLL", "VTG"):
            modes = getattr(sentence, "posMode", "").replace("N", "")
            types = [_BY_MODE.get(mode) for mode in modes]
            if _DEAD in types:
                yield kind, _DEAD
            elif types:  # GNS has one letter per constellation: no better than the worst
                yield kind, None if None in types else min(t for t in types if t is not None)


def _satellites(sentences: Sentences) -> int | None:
    """Return satellites used. A GPGGA beside a GNGNS counts GPS alone, so the larger is right."""
    counted = [int(value) for value in _numbers(sentences, "numSV")]
    if counted:
        return max(counted)
    used = {
        (index, number)
        for index, (kind, sentence) in enumerate(sentences)
        if kind == "GSA"
        for number in range(1, 13)
        if _number(sentence, f"svid_{number:02d}")
    }
    return len(used) or None


def _speed_mps(sentences: Sentences) -> float | None:
    knots = _first((*_numbers(sentences, "spd"), *_numbers(sentences, "sogn")))
    if knots is not None:
        return knots * KNOT_MPS if knots >= 0 else None
    kmh = _first(_numbers(sentences, "sogk"))
    return kmh / 3.6 if kmh is not None and kmh >= 0 else None


def _heading_deg(sentences: Sentences) -> float | None:
    heading = _first((*_numbers(sentences, "cog"), *_numbers(sentences, "cogt")))
    return heading % 360 if heading is not None and 0 <= heading <= 360 else None


def _accuracy_m(sentences: Sentences) -> float | None:
    """Return one sigma horizontal from GST: the root of the summed variances (DRMS)."""
    north_m = _first(_numbers(sentences, "stdLat"))
    east_m = _first(_numbers(sentences, "stdLong"))
    if north_m is None or east_m is None:
        return None
    return math.hypot(north_m, east_m) or None


def _numbers(sentences: Sentences, name: str) -> Iterator[float]:
    for _, sentence in sentences:
        value = _number(sentence, name)
        if value is not None:
            yield value


def _number(sentence: Any, name: str) -> float | None:
    value = getattr(sentence, name, None)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _first(values: Iterable[float]) -> float | None:
    return next(iter(values), None)
