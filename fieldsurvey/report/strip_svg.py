"""A highway as strips between kilometre posts: what ten kilometres are, and where tests were made.

One drawing is one line of road with all operators under each other. The upper band is judged, ten
kilometres at a time; the lower one only shows which kilometres were driven and tested. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fieldsurvey.report.axes import Scale
from fieldsurvey.report.svg import COLOURS, FAINT, INK, NOT_DRIVEN, Drawing, shortened
from fieldsurvey.report.wording import Wording

_LEFT = 74.0
_RIGHT = 6.0
_POSTS = 16.0
_JUDGED = 13.0
_SHOWN = 5.0
_GAP = 6.0


@dataclass(frozen=True, slots=True)
class Band:
    """An operator's road. ``judged``: (verdict's word, from, to); ``shown``: (has tests, from, to)
    of every kilometre that was driven. Metres of chainage."""

    name: str
    judged: Sequence[tuple[str, float, float]]
    shown: Sequence[tuple[bool, float, float]]


def draw_strip(
    bands: Sequence[Band], from_m: float, to_m: float, full_m: float, width: float,
    wording: Wording,
) -> str:  # fmt: skip
    """Return a line of road as SVG. ``full_m``: what the whole width stands for, so that lines of
    a long highway have one scale."""
    drawing = Drawing(width, _POSTS + len(bands) * (_JUDGED + _SHOWN + _GAP))
    long = (width - _LEFT - _RIGHT) * (to_m - from_m) / full_m
    scale = Scale(from_m, to_m, _LEFT, _LEFT + long)
    _posts(drawing, scale, wording, full_m)
    for number, band in enumerate(bands):
        y = _POSTS + number * (_JUDGED + _SHOWN + _GAP)
        drawing.text(0, y + 9.5, shortened(band.name, 8, _LEFT), 8)
        for word, first, last in band.judged:
            left, right = scale(max(first, from_m)), scale(min(last, to_m))
            drawing.verdict_box(word, left, y, right - left, _JUDGED)
            if word != NOT_DRIVEN:
                middle = (left + right) / 2
                drawing.box(middle - 5, y + 1.5, 10, _JUDGED - 3, "#ffffff")
                drawing.mark(word, middle, y + _JUDGED / 2, 3.6)
        for tested, first, last in band.shown:
            left, right = scale(max(first, from_m)), scale(min(last, to_m))
            colour = INK if tested else COLOURS[NOT_DRIVEN]
            high = _SHOWN - 1 if tested else 1.2
            drawing.box(left, y + _JUDGED + 1.2, max(right - left - 0.4, 0.4), high, colour)
    return drawing.svg()


def _posts(drawing: Drawing, scale: Scale, wording: Wording, full_m: float) -> None:
    every = 10_000.0 if full_m <= 150_000 else 20_000.0
    drawing.text(0, 9, wording.tr("report.km_post"), 7.5, fill=FAINT)
    post = -(-scale.low // every) * every
    while post <= scale.high + 1:
        x = scale(post)
        drawing.line(x, 11, x, 15, INK, 0.5)
        drawing.text(x, 9, wording.km(post), 7.5, "middle")
        post += every
