"""What the supervisor's map is given to draw: points, their classes, judged stretches of road."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldsurvey.gui.map_view import Floats
from fieldsurvey.gui.shapes import Shape
from fieldsurvey.model.verdict import Verdict


@dataclass(frozen=True, eq=False)
class MapPoints:
    """n points. A position is NaN where it is not known; ``classes`` indexes a ClassPalette;
    ``is_test`` tells throughput tests from mere seconds of a drive."""

    latitude_deg: Floats
    longitude_deg: Floats
    classes: NDArray[np.uint8]
    is_test: NDArray[np.bool_]

    def __post_init__(self) -> None:
        columns = (self.latitude_deg, self.longitude_deg, self.classes, self.is_test)
        if len({len(column) for column in columns}) != 1:
            raise ValueError(f"columns of different lengths: {[len(c) for c in columns]}")

    def __len__(self) -> int:
        return len(self.latitude_deg)


@dataclass(frozen=True, slots=True)
class ClassPalette:
    """The classes in the order they are drawn in, so the last lies on top: the worst must be last.

    ``labels`` are on screen as they are, ``colours`` are ``#rrggbb``. ``unknown`` are the classes
    that stand for "not known": they are drawn as a pattern, not as a value.
    """

    labels: tuple[str, ...]
    colours: tuple[str, ...]
    shapes: tuple[Shape, ...]
    unknown: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.colours) == len(self.shapes) <= MOST_CLASSES:
            raise ValueError("a palette needs as many labels as colours and shapes, 62 at most")

    def __len__(self) -> int:
        return len(self.labels)


# A rank is kept in six bits (point_pyramid.py).
MOST_CLASSES = 62


@dataclass(frozen=True, eq=False)
class MapStretch:
    """A judged piece of highway as a line; ``key`` is the caller's and comes back on a click."""

    latitude_deg: Floats
    longitude_deg: Floats
    verdict: Verdict
    label: str
    key: object


@dataclass(frozen=True, eq=False)
class MapHexagon:
    """A judged piece of land by its corners."""

    latitude_deg: Floats
    longitude_deg: Floats
    verdict: Verdict
    label: str
