"""A printed map: roads, judged stretches, settlements, kilometre posts, scale, north, sources.

Drawn in the ellipsoidal Mercator plane, which is true to shape. Must not know where its lines come
from, nor what a verdict is beyond its word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldsurvey.places.geometry import metres_per_unit, to_plane
from fieldsurvey.report.svg import (
    COLOURS,
    INK,
    NOT_DRIVEN,
    Drawing,
    shortened,
    text_width,
)
from fieldsurvey.report.wording import Wording

Floats = npt.NDArray[np.float64]
Line = tuple[Floats, Floats]  # latitudes and longitudes, degrees
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom; points

_MARGIN = 0.06  # of the longer side, around what has to be seen
_MIN_SIDE_M = 1_500.0
_FINEST = 0.35  # points: no line needs more detail
_WIDE = 0.6
_APART = 7.0  # marks of one verdict
_LOWEST, _HIGHEST = 0.34, 0.92  # height of a map, of its width
_BAR = 16.0  # under the map: scale and sources


@dataclass(frozen=True, slots=True)
class Label:
    """``rank``: those of lower rank are placed first; one that hits another is left out."""

    text: str
    latitude_deg: float
    longitude_deg: float
    rank: int = 0
    mark: str = ""  # a verdict's word; "" draws a dot
    small: bool = True


@dataclass(frozen=True, slots=True)
class Scene:
    """What lies on a map. ``extent``: (latitudes, longitudes) that have to be seen. ``judged``:
    verdict's word with the pieces of road it stands for; ``cells`` with its outline; ``tracks``:
    ways driven; ``marks`` its shapes."""

    extent: Line
    roads: Sequence[Line] = ()
    judged: Sequence[tuple[str, Line]] = ()
    cells: Sequence[tuple[str, Line]] = ()
    tracks: Sequence[Line] = ()
    marks: Sequence[tuple[str, float, float]] = ()
    labels: Sequence[Label] = ()
    title: str = ""


def is_wide(scene: Scene) -> bool:
    """Return whether a map is much wider than high: then it wants the width of the page."""
    return _Frame(scene.extent, 1.0, _HIGHEST).height < _WIDE


def draw_map(scene: Scene, width: float, wording: Wording, highest: float = _HIGHEST) -> str:
    """Return the map as SVG, ``width`` points wide; ``highest`` bounds its height, of the width."""
    frame = _Frame(scene.extent, width, highest)
    head = 14.0 if scene.title else 0.0
    drawing = Drawing(width, frame.height + head + _BAR)
    frame.top = head
    if scene.title:
        drawing.text(0, 9.5, shortened(scene.title, 9, width, bold=True), 9, bold=True)
    drawing.box(0, head, width, frame.height, "#fbfbf9", "none")
    for line in scene.roads:
        for points in frame.visible(line):
            drawing.path(points, "#b9b9b9", 0.9)
    for word, outline in scene.cells:
        drawing.verdict_area(word, _closed(frame, outline))
    for line in scene.tracks:
        for points in frame.visible(line):
            drawing.path(points, INK, 0.5)
    seen = [
        (word, points)
        for wanted in (NOT_DRIVEN, "undecided", "above", "below")  # worst on top
        for word, line in scene.judged
        if word == wanted
        for points in frame.visible(line)
    ]
    for word, points in seen:
        if word != NOT_DRIVEN:
            drawing.path(points, "#ffffff", 6.0)
    for word, points in seen:
        _judged(drawing, word, points)
    _marks(drawing, frame, scene.marks)
    _labels(drawing, frame, scene.labels, [points for _, points in seen])
    drawing.box(0, head, width, frame.height, "none", INK, 0.6)
    _north(drawing, width - 14, head + 24)
    _scale_bar(drawing, frame, head + frame.height + 12, wording)
    return drawing.svg()


def draw_legend(width: float, wording: Wording) -> str:
    """Return what the maps' and strips' verdicts look like, with their words, in one line."""
    drawing = Drawing(width, 12)
    x = 0.0
    for word in ("above", "below", "undecided", NOT_DRIVEN):
        text = wording.tr(f"report.word_{word}")
        drawing.verdict_box(word, x, 2, 18, 8)
        if word != NOT_DRIVEN:
            drawing.mark(word, x + 26, 6, 3.2)
        start = x + (34 if word != NOT_DRIVEN else 24)
        drawing.text(start, 8.8, text, 8)
        x = start + 16 + text_width(text, 8)
    return drawing.svg()


def _judged(drawing: Drawing, word: str, points: list[tuple[float, float]]) -> None:
    """Draw a stretch so that a black-and-white print tells its verdict: solid, barred, dotted."""
    if word == NOT_DRIVEN:
        drawing.path(points, COLOURS[word], 1.2, "1.5 2.5")
        return
    if word == "undecided":
        drawing.path(points, COLOURS[word], 3.4)
        drawing.path(points, "#ffffff", 1.8)
        return
    drawing.path(points, COLOURS[word], 4.2)
    if word == "below":
        drawing.path(points, "#ffffff", 2.6, "1.6 2.6")


class _Frame:
    """Where degrees lie on the page."""

    def __init__(self, extent: Line, width: float, highest: float) -> None:
        x, y = to_plane(np.asarray(extent[0], float), np.asarray(extent[1], float))
        middle_deg = np.array([(np.min(extent[0]) + np.max(extent[0])) / 2])
        self.metres_per_unit = float(metres_per_unit(middle_deg)[0])
        least = _MIN_SIDE_M / self.metres_per_unit
        wide, tall = max(float(np.ptp(x)), least), max(float(np.ptp(y)), least)
        around = _MARGIN * max(wide, tall)
        wide, tall = wide + 2 * around, tall + 2 * around
        self.height = width * min(max(tall / wide, _LOWEST), highest)
        self.points_per_unit = min(width / wide, self.height / tall)
        self.width, self.top = width, 0.0
        self._x, self._y = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2

    def place(self, line: Line) -> tuple[Floats, Floats]:
        x, y = to_plane(np.asarray(line[0], float), np.asarray(line[1], float))
        return (
            self.width / 2 + (x - self._x) * self.points_per_unit,
            self.top + self.height / 2 - (y - self._y) * self.points_per_unit,
        )

    def point(self, latitude: float, longitude: float) -> tuple[float, float]:
        x, y = self.place((np.array([latitude]), np.array([longitude])))
        return float(x[0]), float(y[0])

    def holds(self, x: float, y: float) -> bool:
        return 0 <= x <= self.width and self.top <= y <= self.top + self.height

    def visible(self, line: Line) -> list[list[tuple[float, float]]]:
        """Return what is seen of a line, cut at the frame, without points that nobody sees."""
        x, y = self.place(line)
        pieces: list[list[tuple[float, float]]] = []
        box = (0.0, self.top, self.width, self.top + self.height)
        previous: tuple[float, float] | None = None
        for start, end in zip(zip(x[:-1], y[:-1], strict=True), zip(x[1:], y[1:], strict=True),
                              strict=True):  # fmt: skip
            cut = _cut(*start, *end, box)
            if cut is None:
                previous = None
                continue
            if previous != cut[0]:
                pieces.append([cut[0]])
            pieces[-1].append(cut[1])
            previous = cut[1]
        return [_thinned(piece) for piece in pieces]


def _cut(
    x0: float, y0: float, x1: float, y1: float, box: Rectangle
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return the part of a segment inside a box (Liang and Barsky 1984)."""
    west, top, east, bottom = box
    first, last = 0.0, 1.0
    for step, room in ((x0 - x1, x0 - west), (x1 - x0, east - x0), (y0 - y1, y0 - top),
                       (y1 - y0, bottom - y0)):  # fmt: skip
        if step == 0:
            if room < 0:
                return None
        elif step < 0:
            first = max(first, room / step)
        else:
            last = min(last, room / step)
    if first > last:
        return None
    at = [(x0 + part * (x1 - x0), y0 + part * (y1 - y0)) for part in (first, last)]
    return at[0], at[1]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Leave out points that are closer to the one before than the eye can tell."""
    kept = [points[0]]
    for x, y in points[1:-1]:
        if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= _FINEST:
            kept.append((x, y))
    return [*kept, points[-1]]


def _marks(drawing: Drawing, frame: _Frame, marks: Sequence[tuple[str, float, float]]) -> None:
    """Draw shapes, but none that would hide one of its own kind."""
    drawn: dict[str, list[tuple[float, float]]] = {}
    for word, latitude, longitude in marks:
        x, y = frame.point(latitude, longitude)
        same = drawn.setdefault(word, [])
        if all(math.hypot(x - other[0], y - other[1]) >= _APART for other in same):
            same.append((x, y))
            drawing.mark(word, x, y, 3.4)


def _closed(frame: _Frame, outline: Line) -> list[tuple[float, float]]:
    """Return the corners of a cell, pushed into the frame."""
    x, y = frame.place(outline)
    bottom = frame.top + frame.height
    return list(
        zip(
            np.clip(x, 0, frame.width).tolist(), np.clip(y, frame.top, bottom).tolist(), strict=True
        )
    )


def _labels(
    drawing: Drawing,
    frame: _Frame,
    labels: Sequence[Label],
    lines: Sequence[list[tuple[float, float]]],
) -> None:
    """Write names beside their points, the most important first; none over another, nor over a
    judged line where there is room elsewhere."""
    taken = [(frame.width - 28, frame.top, frame.width, frame.top + 32)]
    on_lines = [(x - 3, y - 3, x + 3, y + 3) for line in lines for x, y in _every(line, 6.0)]
    for label in sorted(labels, key=lambda label: (label.rank, label.text)):
        x, y = frame.point(label.latitude_deg, label.longitude_deg)
        if not frame.holds(x, y):
            continue
        size = 7.0 if label.small else 8.5
        free = [box for box in _around(x, y, label, size) if _fits(frame, box, taken)]
        box = next((box for box in free if not _hits(box, on_lines)), free[0] if free else None)
        if box is None:
            continue
        taken += [box, (x - 3, y - 3, x + 3, y + 3)]
        if label.mark:
            drawing.mark(label.mark, x, y, 3.6)
        else:
            drawing.box(x - 1.2, y - 1.2, 2.4, 2.4, INK, "#ffffff", 0.5)
        drawing.text(box[0], box[3] - 2, label.text, size, halo=True, bold=not label.small)


def _around(x: float, y: float, label: Label, size: float) -> list[Rectangle]:
    """Return where a name can stand beside its point, best first."""
    wide = text_width(label.text, size, bold=not label.small)
    at = [
        (x + 5, y + 2.5), (x - 5 - wide, y + 2.5), (x - wide / 2, y - 6), (x - wide / 2, y + 12),
        (x + 4, y - 6), (x - 4 - wide, y - 6), (x + 4, y + 11), (x - 4 - wide, y + 11),
    ]  # fmt: skip
    return [(left, base - size, left + wide, base + 2) for left, base in at]


def _fits(frame: _Frame, box: Rectangle, taken: Sequence[Rectangle]) -> bool:
    inside = frame.holds(box[0], box[1]) and frame.holds(box[2], box[3])
    return inside and not _hits(box, taken)


def _hits(box: Rectangle, others: Sequence[Rectangle]) -> bool:
    return any(_meet(box, other) for other in others)


def _every(line: list[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """Return points along a line that are at most ``step`` apart."""
    found = [line[0]]
    for x, y in line[1:]:
        x0, y0 = found[-1]
        parts = max(1, math.ceil(math.hypot(x - x0, y - y0) / step))
        found += [
            (x0 + (x - x0) * n / parts, y0 + (y - y0) * n / parts) for n in range(1, parts + 1)
        ]
    return found


def _meet(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _north(drawing: Drawing, x: float, y: float) -> None:
    drawing.path([(x - 4, y), (x, y - 13), (x + 4, y), (x, y - 3), (x - 4, y)], INK, 0.8)
    drawing.text(x, y - 15, "N", 8, "middle", bold=True, halo=True)


def _scale_bar(drawing: Drawing, frame: _Frame, y: float, wording: Wording) -> None:
    """Draw a round length as it is in the middle of the map."""
    metres_per_point = frame.metres_per_unit / frame.points_per_unit
    longest_m = 110 * metres_per_point
    power = 10.0 ** math.floor(math.log10(longest_m))
    metres = max(n * power for n in (1, 2, 5) if n * power <= longest_m)
    long = metres / metres_per_point
    drawing.box(0, y - 4, long, 3, "#ffffff", INK, 0.5)
    drawing.box(0, y - 4, long / 2, 3, INK, INK, 0.5)
    label = (
        wording.tr("report.length_km", n=wording.number(metres / 1e3))
        if metres >= 1_000
        else wording.tr("report.length_m", n=wording.number(metres))
    )
    drawing.text(long + 4, y, label, 7.5)
