"""Charts of tests: along the road, by distribution, idle against loaded. Pure: numbers in, SVG out.

A test without service is drawn as a cross at the foot and never as a rate of 0. Must not choose
which tests count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldsurvey.analysis.ranks import ranked
from fieldsurvey.report.axes import (
    Scale,
    level,
    round_top,
    target_across,
    target_upright,
    ticks,
    upright,
)
from fieldsurvey.report.svg import (
    FAINT,
    INK,
    LINE_COLOURS,
    LINE_DASHES,
    NO_SERVICE,
    PALE,
    Drawing,
    shortened,
    text_width,
)
from fieldsurvey.report.wording import Wording

Floats = npt.NDArray[np.float64]

_LEFT, _RIGHT = 42.0, 8.0
MOST_MARKS = 700  # in a chart; of more, only ranks are drawn
_BINS = 90
_MOST_STEPS = 800  # of a curve: finer ones are not printed
_FOOT = 9.0  # under the axis of a road chart: crosses


@dataclass(frozen=True, slots=True, eq=False)
class AlongRoad:
    """Tests of one operator. ``rate_bps`` is NaN without service; ``word``: what each came to."""

    name: str
    chainage_m: Floats
    rate_bps: Floats
    word: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """Rates of one operator, rising; ``no_service`` tests rank below all of them."""

    name: str
    rate_bps: Floats
    no_service: int


@dataclass(frozen=True, slots=True)
class Spread:
    """A tenth, half and nine tenths of round trips do not exceed these; µs. ``loaded``: under a
    download."""

    name: str
    loaded: bool
    low_us: float
    median_us: float
    high_us: float
    number: int


def along_road(
    panels: Sequence[AlongRoad], from_m: float, to_m: float, target_bps: float, width: float,
    wording: Wording,
) -> str:  # fmt: skip
    """Return rates over chainage, a panel per operator, all of one scale."""
    high = 118.0
    block = high + 24.0
    drawing = Drawing(width, block * len(panels) + 26)
    known = [panel.rate_bps[np.isfinite(panel.rate_bps)] for panel in panels]
    top = round_top(max([target_bps * 1.25, *(rates.max() for rates in known if len(rates))]))
    x = Scale(from_m, to_m, _LEFT, width - _RIGHT)
    label = wording.tr("report.target_rate", mbps=wording.mbps(target_bps))
    for number, panel in enumerate(panels):
        head = number * block + 16
        foot = head + high - _FOOT
        y = Scale(0.0, top, foot, head)
        name = shortened(panel.name, 9, width - _LEFT, bold=True)
        drawing.text(_LEFT, head - 5, name, 9, bold=True)
        upright(drawing, y, _LEFT, width - _RIGHT, wording, wording.tr("report.mbps"), 1e-6)
        drawing.line(_LEFT, foot, width - _RIGHT, foot, INK, 0.6)
        if len(panel.word) <= MOST_MARKS:
            _marks(drawing, panel, x, y, foot)
        else:
            _ranks(drawing, panel, x, y, foot)
        target_across(drawing, y(target_bps), _LEFT, width - _RIGHT, label)
    level(drawing, x, block * len(panels), wording, wording.tr("report.axis_km"), 1e-3, 10)
    return drawing.svg()


def _marks(drawing: Drawing, panel: AlongRoad, x: Scale, y: Scale, foot: float) -> None:
    order = sorted(range(len(panel.word)), key=lambda n: panel.word[n] != "above")
    for n in order:  # what is not above lies on top
        failed = panel.word[n] == NO_SERVICE
        at = foot + _FOOT / 2 + 1 if failed else y(float(panel.rate_bps[n]))
        drawing.mark(panel.word[n], x(float(panel.chainage_m[n])), at, 2.6)


def _ranks(drawing: Drawing, panel: AlongRoad, x: Scale, y: Scale, foot: float) -> None:
    """Draw a tenth to nine tenths and the median of each piece of road, by rank."""
    edges = np.linspace(x.low, x.high, _BINS + 1)
    cell = np.clip(np.digitize(panel.chainage_m, edges) - 1, 0, _BINS - 1)
    for n in range(_BINS):
        rates = np.sort(panel.rate_bps[cell == n])  # NaN last
        middle = x(float(edges[n] + edges[n + 1]) / 2)
        rates, failed = rates[np.isfinite(rates)], int(np.isnan(rates).sum())
        if failed:
            drawing.mark(NO_SERVICE, middle, foot + _FOOT / 2 + 1, 2.2)
        if len(rates):
            low, median, high = (y(ranked(rates, percent)) for percent in (10, 50, 90))
            drawing.line(middle, low, middle, high, FAINT, 2.2)
            drawing.line(middle - 2, median, middle + 2, median, INK, 1.4)


def distribution(
    curves: Sequence[Sorted], target_bps: float, width: float, wording: Wording
) -> str:
    """Return the share of tests that reach a rate, a curve per operator, with the target."""
    high, head = 170.0, 10.0
    foot = head + high
    drawing = Drawing(width, foot + 30 + 12 * len(curves))
    known = [curve.rate_bps.max() for curve in curves if len(curve.rate_bps)]
    top = round_top(max([target_bps * 1.25, *known]))
    x = Scale(0.0, top, _LEFT, width - _RIGHT)
    y = Scale(0.0, 1.0, foot, head)
    upright(drawing, y, _LEFT, width - _RIGHT, wording, wording.tr("report.axis_share"), 100)
    for number, curve in enumerate(curves):
        total = len(curve.rate_bps) + curve.no_service
        # At a rate, the share of tests that reach it: those without service reach none.
        steps = min(len(curve.rate_bps), _MOST_STEPS)
        kept = np.linspace(0, len(curve.rate_bps), steps + 1).round().astype(int)
        share = (len(curve.rate_bps) - kept) / total
        steps_x = np.concatenate(([0.0], np.repeat(curve.rate_bps[kept[1:] - 1], 2), [top]))
        steps_y = np.repeat(share, 2)
        points = [(x(float(a)), y(float(b))) for a, b in zip(steps_x, steps_y, strict=True)]
        colour, dash = LINE_COLOURS[number % 6], LINE_DASHES[number % 6]
        drawing.path(points, colour, 1.3, dash)
        reach = float((curve.rate_bps > target_bps).sum()) / total
        base = foot + 36 + 12 * number
        drawing.line(_LEFT, base - 2.5, _LEFT + 26, base - 2.5, colour, 1.6, dash)
        text = wording.tr(
            "report.curve", name=shortened(curve.name, 8, width / 2), tests=wording.number(total),
            share=wording.percent(reach), mbps=wording.mbps(target_bps),
        )  # fmt: skip
        drawing.text(_LEFT + 32, base, text, 8)
    label = wording.tr("report.target_rate", mbps=wording.mbps(target_bps))
    target_upright(drawing, x(target_bps), head, foot, label)
    level(drawing, x, foot, wording, wording.tr("report.mbps"), 1e-6)
    return drawing.svg()


def latencies(spreads: Sequence[Spread], width: float, wording: Wording) -> str:
    """Return round trips, idle and under load, a line each; a logarithmic axis of milliseconds."""
    left, row = 172.0, 15.0
    foot = 6 + row * len(spreads)
    drawing = Drawing(width, foot + 28)
    low = min(spread.low_us for spread in spreads)
    top = max(spread.high_us for spread in spreads)
    x = Scale(np.log10(low / 1.3), np.log10(top * 1.3), left, width - 40)
    for value_us in _log_ticks(low / 1.3, top * 1.3):
        at = x(float(np.log10(value_us)))
        drawing.line(at, 2, at, foot, PALE, 0.4)
        drawing.text(at, foot + 10, wording.milliseconds(value_us), 7.5, "middle")
    drawing.line(left, foot, width - 40, foot, INK, 0.6)
    drawing.text((left + width - 40) / 2, foot + 22, wording.tr("report.axis_ms"), 8, "middle")
    for number, spread in enumerate(spreads):
        y = 6 + row * (number + 0.5)
        ends = [x(float(np.log10(v))) for v in (spread.low_us, spread.median_us, spread.high_us)]
        word = "report.loaded" if spread.loaded else "report.idle"
        tests = wording.number(spread.number)
        room = left - 6 - text_width(wording.tr(word, name="", tests=tests), 8)
        name = wording.tr(word, name=shortened(spread.name, 8, room), tests=tests)
        drawing.text(left - 6, y + 2.6, name, 8, "end")
        drawing.line(ends[0], y, ends[2], y, INK, 3.2 if spread.loaded else 1.0)
        drawing.box(ends[1] - 1.6, y - 4, 3.2, 8, "#ffffff", INK, 1.0)
        drawing.text(width, y + 2.6, wording.milliseconds(spread.median_us), 8, "end")
    return drawing.svg()


def _log_ticks(low: float, high: float) -> list[float]:
    powers = ticks(np.floor(np.log10(low)), np.ceil(np.log10(high)), 20)
    found = [n * 10.0**power for power in sorted({round(p) for p in powers}) for n in (1, 2, 5)]
    return [value for value in found if low <= value <= high]
