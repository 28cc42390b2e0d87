"""A kilometre post of a highway is one place.

A line beside a longer one of its highway (the other carriageway, a second drawing, a slip) has that
one's kilometres, whichever way it was drawn: a post then means one place on both. A line elsewhere
(a branch, the far side of a gap) counts its own from 0 under a number of its own, as "A1 (2)":
judged together, two places would make one false verdict.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from fieldsurvey.places.roads import HighwayLine, RoadIndex

_NUMBERED = re.compile(r" \(\d+\)$")
BESIDE_SHARE = 0.9  # of a line, within the tolerance of the longer one
ALONG_SHARE = 0.5  # of its length, that it goes forward on the longer one
_LOOK_EVERY_M = 100.0


def number_of_highway(ref: str) -> str:
    """Return the highway's own number of any of its lines: "A1" of "A1 (2)"."""
    return _NUMBERED.sub("", ref)


def one_place_per_post(lines: Iterable[HighwayLine]) -> list[HighwayLine]:
    """Return the lines with their number and chainage settled.

    ``lines``: by highway, the longest first, each with its chainage from 0.
    """
    groups: dict[str, list[HighwayLine]] = {}
    for line in lines:
        groups.setdefault(line.ref, []).append(line)
    return [line for group in groups.values() for line in _of_one_highway(group)]


def _of_one_highway(group: Sequence[HighwayLine]) -> list[HighwayLine]:
    first, *others = group
    apart = [first]
    settled = [first]
    index = RoadIndex(apart)
    for line in others:
        beside = _beside(line, apart, index)
        if beside is None:
            beside = replace(line, ref=f"{first.ref} ({len(apart) + 1})")
            apart.append(beside)
            index = RoadIndex(apart)
        settled.append(beside)
    return settled


def _beside(
    line: HighwayLine, others: Sequence[HighwayLine], index: RoadIndex
) -> HighwayLine | None:
    """Return ``line`` with the kilometres of the one of ``others`` that it runs beside."""
    along_m = np.union1d(np.arange(0.0, line.length_m, _LOOK_EVERY_M), line.chainage_m)
    found = index.nearest(
        np.interp(along_m, line.chainage_m, line.latitude_deg),
        np.interp(along_m, line.chainage_m, line.longitude_deg),
    )
    near = np.bincount(found.line[found.line >= 0], minlength=len(others))
    other = int(near.argmax())
    if near[other] < BESIDE_SHARE * len(along_m):
        return None
    on_it = found.line == other
    posts_m = np.interp(line.chainage_m, along_m[on_it], found.chainage_m[on_it])
    if abs(posts_m[-1] - posts_m[0]) < ALONG_SHARE * line.length_m:
        return None  # a branch so short that it ends within the other's tolerance
    forth = slice(None) if posts_m[-1] >= posts_m[0] else slice(None, None, -1)
    return replace(
        line,
        ref=others[other].ref,
        latitude_deg=line.latitude_deg[forth].copy(),
        longitude_deg=line.longitude_deg[forth].copy(),
        # Where it winds more than the other it would run back: it stands still instead.
        chainage_m=np.maximum.accumulate(posts_m[forth]),
    )
