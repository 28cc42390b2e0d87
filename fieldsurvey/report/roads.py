"""Where a highway's kilometres lie, and which of them a report is about. Must not know verdicts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M
from fieldsurvey.places.places_file import Places
from fieldsurvey.places.roads import HighwayLine
from fieldsurvey.report.subject import Box, Highway, Subject

Floats = npt.NDArray[np.float64]

_LOOK_EVERY_M = 100.0  # for what of a highway lies in a box


class Roads:
    """The highways of a places file. Lines of one number lie side by side and share its kilometre
    posts, so the longest says where these are. None: no file, no highways."""

    def __init__(self, places: Places | None) -> None:
        self.lines = places.highway_lines() if places is not None else []
        self._by_ref: dict[str, HighwayLine] = {}
        for line in self.lines:
            longest = self._by_ref.setdefault(line.ref, line)
            if line.length_m > longest.length_m:
                self._by_ref[line.ref] = line

    def piece(self, ref: str, from_m: float, to_m: float) -> tuple[Floats, Floats] | None:
        """Return latitudes and longitudes along a piece; None where nobody knows."""
        line = self._by_ref.get(ref)
        if line is None or from_m >= line.length_m:
            return None
        to_m = min(to_m, line.length_m)
        inside = (line.chainage_m > from_m) & (line.chainage_m < to_m)
        return _at(line, np.concatenate(([from_m], line.chainage_m[inside], [to_m])))

    def end_m(self, ref: str) -> float | None:
        """Return the last chainage of a highway."""
        line = self._by_ref.get(ref)
        return None if line is None else line.length_m

    def expected(self, subject: Subject, ref: str) -> list[int] | None:
        """Return where the judged stretches of a subject begin, driven or not; None where nobody
        knows how far the highway goes."""
        end_m = self.end_m(ref)
        if isinstance(subject, Highway):
            first, last = subject.judged_range_m()
            last = last if end_m is None else min(last, end_m)
            return None if last == float("inf") else _starts(first, last)
        if end_m is None:
            return None
        if not isinstance(subject, Box):
            return _starts(0.0, end_m)
        return sorted(set(_inside(self._by_ref[ref], subject).tolist()))

    def refs(self, subject: Subject) -> list[str]:
        """Return the highways that a subject reaches, by number."""
        return sorted(ref for ref in self._by_ref if self.expected(subject, ref))


def _at(line: HighwayLine, chainage_m: Floats) -> tuple[Floats, Floats]:
    return (
        np.interp(chainage_m, line.chainage_m, line.latitude_deg),
        np.interp(chainage_m, line.chainage_m, line.longitude_deg),
    )


def _inside(line: HighwayLine, box: Box) -> npt.NDArray[np.int64]:
    """Return where the stretches begin that have a part in a box."""
    along_m = np.arange(0.0, line.length_m, _LOOK_EVERY_M)
    latitude, longitude = _at(line, along_m)
    inside = (
        (latitude >= box.south_deg) & (latitude <= box.north_deg)
        & (longitude >= box.west_deg) & (longitude <= box.east_deg)
    )  # fmt: skip
    return np.asarray(along_m[inside] // JUDGED_LENGTH_M, np.int64) * JUDGED_LENGTH_M


def _starts(first_m: float, end_m: float) -> list[int]:
    number = max(0, int(np.ceil((end_m - first_m) / JUDGED_LENGTH_M)))
    return [int(first_m) + n * JUDGED_LENGTH_M for n in range(number)]
