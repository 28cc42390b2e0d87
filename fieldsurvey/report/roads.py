"""Where a highway's kilometres lie, and which of them a report is about.

A number that several lines of the places file share has kilometres in several places: of these
nothing is said here, and a map shows where was driven instead. Must not know verdicts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M
from fieldsurvey.places.places_file import Places
from fieldsurvey.places.roads import HighwayLine
from fieldsurvey.report.subject import Box, Highway, Subject

Floats = npt.NDArray[np.float64]


class Roads:
    """The highways of a places file that have one line, by number. None: no file, no highways."""

    def __init__(self, places: Places | None) -> None:
        lines = places.highway_lines() if places is not None else []
        by_ref: dict[str, list[HighwayLine]] = {}
        for line in lines:
            by_ref.setdefault(line.ref, []).append(line)
        self._single = {ref: same[0] for ref, same in by_ref.items() if len(same) == 1}
        self.lines = lines

    def line(self, ref: str) -> HighwayLine | None:
        return self._single.get(ref)

    def piece(self, ref: str, from_m: float, to_m: float) -> tuple[Floats, Floats] | None:
        """Return latitudes and longitudes along a piece; None where nobody knows."""
        line = self.line(ref)
        if line is None or from_m >= line.length_m:
            return None
        to_m = min(to_m, line.length_m)
        inside = (line.chainage_m > from_m) & (line.chainage_m < to_m)
        chainage = np.concatenate(([from_m], line.chainage_m[inside], [to_m]))
        return (
            np.interp(chainage, line.chainage_m, line.latitude_deg),
            np.interp(chainage, line.chainage_m, line.longitude_deg),
        )

    def length_m(self, ref: str, from_m: float, to_m: float) -> float:
        """Return how much road there is from one post to another: a highway may end between."""
        line = self.line(ref)
        return to_m - from_m if line is None else max(0.0, min(to_m, line.length_m) - from_m)

    def expected(self, subject: Subject, ref: str) -> list[int] | None:
        """Return where the judged stretches of a subject begin, driven or not; None where nobody
        knows how far the highway goes."""
        line = self.line(ref)
        if isinstance(subject, Highway):
            first, end = subject.judged_range_m()
            if line is not None:
                end = min(end, line.length_m)
            return None if end == float("inf") else _starts(first, end)
        if line is None:
            return None
        if not isinstance(subject, Box):
            return _starts(0.0, line.length_m)
        # The same kilometre cells that the box holds, looked at every 100 m.
        along = np.arange(0.0, line.length_m, 100.0)
        latitude = np.interp(along, line.chainage_m, line.latitude_deg)
        longitude = np.interp(along, line.chainage_m, line.longitude_deg)
        inside = (
            (latitude >= subject.south_deg) & (latitude <= subject.north_deg)
            & (longitude >= subject.west_deg) & (longitude <= subject.east_deg)
        )  # fmt: skip
        numbers = np.unique(along[inside] // JUDGED_LENGTH_M)
        return [int(number) * JUDGED_LENGTH_M for number in numbers.tolist()]

    def refs(self, subject: Subject) -> list[str]:
        """Return the highways that a box reaches into, by number."""
        return sorted(ref for ref in self._single if self.expected(subject, ref))


def _starts(first_m: float, end_m: float) -> list[int]:
    number = int(np.ceil((end_m - first_m) / JUDGED_LENGTH_M))
    return [int(first_m) + n * JUDGED_LENGTH_M for n in range(number)]
