"""The committed seconds of a drive as arrays that grow, for the map and the strip chart.

Appending costs the same at the end of a day as at its start.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fieldsurvey.drive.snapshot import TrailPoint
from fieldsurvey.gui.map_view import Floats, project

_US_PER_S = 1e6


class Trail:
    """World coordinates, time and service of every second, oldest first.

    Attributes:
        count: seconds held; the arrays returned have this length.
    """

    def __init__(self) -> None:
        self.count = 0
        self._x = np.zeros(1024)
        self._y = np.zeros(1024)
        self._utc_s = np.zeros(1024)
        self._reachable = np.zeros(1024, dtype=bool)
        self._gap_before = np.zeros(1024, dtype=bool)

    def clear(self) -> None:
        self.count = 0

    def append(self, points: Sequence[TrailPoint]) -> None:
        """Add ``points`` at the end."""
        if not points:
            return
        end = self.count + len(points)
        self._reserve(end)
        place = slice(self.count, end)
        nan = float("nan")
        latitude = np.array([nan if p.latitude_deg is None else p.latitude_deg for p in points])
        longitude = np.array([nan if p.longitude_deg is None else p.longitude_deg for p in points])
        self._x[place], self._y[place] = project(latitude, longitude)
        self._utc_s[place] = [p.utc_us / _US_PER_S for p in points]
        self._reachable[place] = [p.reachable for p in points]
        self._gap_before[place] = [p.gap_before for p in points]
        self.count = end

    def _reserve(self, wanted: int) -> None:
        if wanted <= len(self._x):
            return
        size = max(wanted, 2 * len(self._x))
        for name in ("_x", "_y", "_utc_s", "_reachable", "_gap_before"):
            old = getattr(self, name)
            grown = np.zeros(size, dtype=old.dtype)
            grown[: self.count] = old[: self.count]
            setattr(self, name, grown)

    @property
    def x(self) -> Floats:
        return self._x[: self.count]

    @property
    def y(self) -> Floats:
        return self._y[: self.count]

    @property
    def utc_s(self) -> Floats:
        return self._utc_s[: self.count]

    @property
    def reachable(self) -> NDArray[np.bool_]:
        return self._reachable[: self.count]

    @property
    def joined(self) -> NDArray[np.bool_]:
        """True where a second is connected to the next one: no gap between."""
        joined = np.zeros(self.count, dtype=bool)
        joined[:-1] = ~self._gap_before[1 : self.count]
        return joined


def no_service_bands(
    utc_s: Floats, reachable: NDArray[np.bool_], since_s: float
) -> list[tuple[float, float]]:
    """Return start and end of every run of seconds without service after ``since_s``."""
    first = int(np.searchsorted(utc_s, since_s))
    times, lost = utc_s[first:], ~reachable[first:]
    if not lost.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate(([False], lost, [False])).astype(np.int8)))
    return [
        (float(times[start]), float(times[end - 1]) + 1.0)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]
