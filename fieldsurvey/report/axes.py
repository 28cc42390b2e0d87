"""Scales and grids of charts: round numbers, labelled axes, and the line of the target. Pure."""

import math
from dataclasses import dataclass

from fieldsurvey.report.svg import INK, PALE, Drawing
from fieldsurvey.report.wording import Wording

TARGET_DASH = "5 2"


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to points of the page, straight."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def round_step(span: float, steps: int) -> float:
    """Return 1, 2 or 5 times a power of ten, so that ``span`` has about ``steps`` of them."""
    raw = span / max(steps, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    return float(next(n * power for n in (1, 2, 5, 10) if n * power >= raw * 0.999))


def ticks(low: float, high: float, steps: int) -> list[float]:
    """Return round values from low to high."""
    step = round_step(high - low, steps)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def round_top(value: float) -> float:
    """Return the round number at which an axis that has to hold ``value`` ends."""
    step = round_step(value, 5)
    return math.ceil(value / step - 1e-9) * step


def upright(
    drawing: Drawing, scale: Scale, left: float, right: float, wording: Wording, title: str,
    factor: float = 1.0,
) -> None:  # fmt: skip
    """Draw the axis of y with its lines across; its numbers are values times ``factor``."""
    for value in ticks(scale.low, scale.high, 5):
        y = scale(value)
        drawing.line(left, y, right, y, PALE, 0.4)
        label = wording.number(value * factor, _places(scale.high * factor))
        drawing.text(left - 4, y + 2.6, label, 7.5, "end")
    drawing.text(left - 30, (scale.start + scale.end) / 2, title, 8, "middle", turned=True)


def level(
    drawing: Drawing, scale: Scale, y: float, wording: Wording, title: str, factor: float = 1.0,
    steps: int = 8,
) -> None:  # fmt: skip
    """Draw the axis of x under a chart; its numbers are values times ``factor``."""
    drawing.line(scale.start, y, scale.end, y, INK, 0.6)
    step = round_step(scale.high - scale.low, steps) * factor
    for value in ticks(scale.low, scale.high, steps):
        x = scale(value)
        drawing.line(x, y, x, y + 3, INK, 0.5)
        drawing.text(x, y + 11, wording.number(value * factor, _places(step * 9)), 7.5, "middle")
    drawing.text((scale.start + scale.end) / 2, y + 22, title, 8, "middle")


def target_across(drawing: Drawing, y: float, left: float, right: float, label: str) -> None:
    """Draw the target into a chart whose rates go up."""
    drawing.line(left, y, right, y, INK, 0.9, TARGET_DASH)
    drawing.text(right - 2, y - 2.5, label, 7.5, "end", bold=True, halo=True)


def target_upright(drawing: Drawing, x: float, top: float, bottom: float, label: str) -> None:
    """Draw the target into a chart whose rates go right."""
    drawing.line(x, top, x, bottom, INK, 0.9, TARGET_DASH)
    drawing.text(x + 3, top + 7, label, 7.5, bold=True, halo=True)


def legend(drawing: Drawing, x: float, y: float, items: list[tuple[str, str]]) -> None:
    """Write marks with their words in a line."""
    for word, label in items:
        drawing.mark(word, x, y - 2.5)
        drawing.text(x + 6, y, label, 7.5)
        x += 18 + 3.9 * len(label)


def _places(high: float) -> int:
    """Return decimals for ticks below a value."""
    return max(0, 1 - math.floor(math.log10(high))) if 0 < high < 10 else 0
