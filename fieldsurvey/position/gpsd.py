"""Reads gpsd's JSON protocol (gpsd_json(5)), since the daemon may own the receiver already.

Must not take over gpsd's guesses: its ``eph`` for an NMEA receiver is HDOP times a constant.
"""

import json
import math
from datetime import datetime
from typing import Any

from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.position import Fix, FixType
from fieldsurvey.position.nmea_fix import utc_us
from fieldsurvey.position.stream import Arrival, Moment, Statement

LONGEST_LINE = 100_000  # a SKY report of 100 satellites has some 10,000
REPEATED_US = 900_000  # gpsd reports one moment several times while it learns the receiver's cycle
COMPANION_US = 5 * US_PER_S  # SKY and GST come beside a TPV, or once in a few

_BY_STATUS = {
    2: FixType.DGNSS,
    3: FixType.RTK_FIXED,
    4: FixType.RTK_FLOAT,
    5: FixType.DEAD_RECKONING,
    6: FixType.DEAD_RECKONING,
    8: FixType.DEAD_RECKONING,  # simulated
}


def greeting(device: str | None) -> bytes:
    """Return the request to watch all receivers, or ``device`` alone."""
    wish: dict[str, object] = {"enable": True, "json": True}
    if device is not None:
        wish["device"] = device
    return b"?WATCH=" + json.dumps(wish).encode() + b"\n"


class GpsdDecoder:
    """Lines of JSON in, one statement per moment out; stays with one receiver of several."""

    quiet_s = None  # a line is complete or it is not

    def __init__(self) -> None:
        self.understood = 0
        self.receiver_gone = False
        self._rest = b""
        self._sky: dict[str, tuple[int, dict[str, Any]]] = {}
        self._gst: dict[str, tuple[int, dict[str, Any]]] = {}
        self._device: str | None = None
        self._device_us = 0
        self._reported: tuple[int | None, int] | None = None  # GNSS time, arrival

    def feed(self, arrival: Arrival) -> list[Statement]:
        *lines, self._rest = (self._rest + arrival.data).split(b"\n")
        self._rest = self._rest[-LONGEST_LINE:]
        statements: list[Statement] = []
        for line in lines:
            try:
                report = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(report, dict) and isinstance(report.get("class"), str):
                self.understood += 1
                statements += self._take(report, arrival.at)
        return statements

    def flush(self) -> list[Statement]:
        return []

    def _take(self, report: dict[str, Any], at: Moment) -> list[Statement]:
        device = str(report.get("device", ""))
        match report["class"]:
            case "TPV":
                return self._position(report, device, at)
            case "SKY" if "hdop" in report or "uSat" in report:
                self._sky[device] = (at.mono_us, report)
            case "GST":
                self._gst[device] = (at.mono_us, report)
            case "DEVICES":
                self.receiver_gone = not report.get("devices")
            case "DEVICE":
                if self._device in (None, report.get("path")):
                    self.receiver_gone = not report.get("activated")
        return []

    def _position(self, tpv: dict[str, Any], device: str, at: Moment) -> list[Statement]:
        if self._device not in (None, device) and at.mono_us - self._device_us < COMPANION_US:
            return []
        latitude_deg, longitude_deg = _number(tpv, "lat"), _number(tpv, "lon")
        mode = _number(tpv, "mode") or 0
        if mode < 2 or latitude_deg is None or longitude_deg is None:
            return [None]
        if abs(latitude_deg) > 90 or abs(longitude_deg) > 180:
            return [None]
        self._device, self._device_us = device, at.mono_us
        self.receiver_gone = False
        gnss_utc_us = _time_us(tpv.get("time"))
        if self._is_repeated(gnss_utc_us, at):
            return []
        self._reported = (gnss_utc_us, at.mono_us)
        hdop, satellites = self._sky_of(device, at)
        plain = FixType.FIX_3D if mode >= 3 else FixType.FIX_2D
        return [
            Fix(
                utc_us=at.utc_us,
                mono_us=at.mono_us,
                latitude_deg=latitude_deg,
                longitude_deg=longitude_deg,
                fix_type=_BY_STATUS.get(int(_number(tpv, "status") or 0), plain),
                gnss_utc_us=gnss_utc_us,
                altitude_m=_first(_number(tpv, "altMSL"), _number(tpv, "alt")),
                speed_mps=_number(tpv, "speed"),
                heading_deg=_number(tpv, "track"),
                accuracy_m=self._accuracy_m(tpv, device, at, hdop),
                hdop=hdop,
                satellites=satellites,
            )
        ]

    def _is_repeated(self, gnss_utc_us: int | None, at: Moment) -> bool:
        if self._reported is None:
            return False
        last_utc_us, last_mono_us = self._reported
        return gnss_utc_us == last_utc_us and at.mono_us - last_mono_us < REPEATED_US

    def _sky_of(self, device: str, at: Moment) -> tuple[float | None, int | None]:
        mono_us, sky = self._sky.get(device, (0, {}))
        if at.mono_us - mono_us > COMPANION_US:
            return None, None
        hdop, used = _number(sky, "hdop"), _number(sky, "uSat")
        return hdop if hdop and hdop < 99 else None, int(used) if used else None

    def _accuracy_m(
        self, tpv: dict[str, Any], device: str, at: Moment, hdop: float | None
    ) -> float | None:
        """Return one sigma from the receiver's GST. ``eph`` only where there is no HDOP it could
        have been made from: libgpsd multiplies HDOP by 19 m (4.75 m with DGPS)."""
        mono_us, gst = self._gst.get(device, (0, {}))
        north_m, east_m = _number(gst, "lat"), _number(gst, "lon")
        if north_m and east_m and at.mono_us - mono_us <= COMPANION_US:
            return math.hypot(north_m, east_m)
        return _number(tpv, "eph") if hdop is None else None


def _number(report: dict[str, Any], name: str) -> float | None:
    value = report.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _time_us(text: object) -> int | None:
    try:
        return utc_us(datetime.fromisoformat(str(text)))
    except (ValueError, TypeError):  # TypeError: without a zone
        return None
