"""Axes that say what a supervisor reads: time, kilometres, milliseconds on a logarithmic scale."""

import math
import time

import pyqtgraph as pg

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.along import Axis
from fieldsurvey.gui.workbench.words import CLOCK_S

_TIME_STEPS_S = (
    1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600,
    86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400, 90 * 86_400, 365 * 86_400,
)  # fmt: skip
_DAY_S = 86_400
_LABEL_PX = 78


class AlongAxis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph ships no types
    """The lower axis: Kazakhstan's clock with the day where it begins, or kilometres."""

    def __init__(self) -> None:
        super().__init__("bottom")
        self._axis = Axis.TIME
        self._texts: Texts | None = None

    def choose(self, axis: Axis, texts: Texts) -> None:
        self._axis, self._texts = axis, texts
        self.picture = None
        self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        if self._axis is Axis.ROAD:
            return [(step, values) for step, values in super().tickValues(low, high, size)[:1]]
        most = max(2, int(size / _LABEL_PX))
        step = next((s for s in _TIME_STEPS_S if (high - low) / s <= most), _TIME_STEPS_S[-1])
        first = math.ceil((low + CLOCK_S) / step) * step - CLOCK_S
        return [(step, [first + step * n for n in range(int((high - first) / step) + 1)])]

    def tickStrings(self, values: list[float], _scale: float, spacing: float) -> list[str]:
        if self._texts is None:
            return ["" for _ in values]
        if self._axis is Axis.ROAD:
            decimals = 0 if spacing >= 1 else min(3, math.ceil(-math.log10(spacing)))
            return [self._texts.tr("wb_km", km=self._texts.number(v, decimals)) for v in values]
        return [self._moment(value, spacing) for value in values]

    @staticmethod
    def _moment(utc_s: float, spacing_s: float) -> str:
        clock_s = utc_s + CLOCK_S
        moment = time.gmtime(clock_s)
        if spacing_s >= _DAY_S:
            return time.strftime("%Y-%m-%d", moment)
        if clock_s % _DAY_S == 0:
            return time.strftime("%m-%d", moment)
        return time.strftime("%H:%M:%S" if spacing_s < 60 else "%H:%M", moment)


class NumberAxis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph ships no types
    """Plain numbers in the language's own form, one level of ticks. Nothing below ``lowest``,
    and no halves where there are only ``whole`` things."""

    def __init__(self, side: str, lowest: float = -math.inf, *, whole: bool = False) -> None:
        super().__init__(side)
        self.texts: Texts | None = None
        self._lowest, self._whole = lowest, whole

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        levels = super().tickValues(low, high, size)
        if not levels:
            return []
        step, values = levels[0]
        if len(values) < 3 and len(levels) > 1:
            step = levels[1][0]
            values = sorted([*values, *levels[1][1]])
        if self._whole and step < 1:
            step, values = 1.0, [value for value in values if abs(value - round(value)) < 1e-9]
        return [(step, [value for value in values if value >= self._lowest - 1e-9])]

    def tickStrings(self, values: list[float], _scale: float, spacing: float) -> list[str]:
        if self.texts is None:
            return ["" for _ in values]
        decimals = 0 if spacing >= 1 else min(3, math.ceil(-math.log10(spacing)))
        return [self.texts.number(value, decimals) for value in values]


class LogAxis(NumberAxis):
    """Values are decimal logarithms; 1, 2 and 5 of every decade have a tick."""

    def tickValues(self, low: float, high: float, _size: float) -> list[tuple[float, list[float]]]:
        decades = range(math.floor(low), math.ceil(high) + 1)
        ticks = [decade + math.log10(step) for decade in decades for step in (1, 2, 5)]
        return [(1.0, [tick for tick in ticks if low <= tick <= high])]

    def tickStrings(self, values: list[float], _scale: float, _spacing: float) -> list[str]:
        if self.texts is None:
            return ["" for _ in values]
        return [self.texts.number(10**value) for value in values]
