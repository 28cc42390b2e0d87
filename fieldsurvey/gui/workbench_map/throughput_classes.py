"""Classes of throughput, tied to the target and not to the data.

The same rate has the same colour in every survey. Five steps of cividis, which the colour-blind see
as others do and which stay in order when printed grey. Must not give a class of rate to what has no
rate: "no service" and "no data" are classes of their own.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from fieldsurvey.gui.map_view import Floats
from fieldsurvey.gui.shapes import Shape
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import Theme
from fieldsurvey.gui.workbench_map.map_data import ClassPalette

NO_DATA = 0
NO_SERVICE = 6
_SHARES_OF_TARGET = (0.10, 0.25, 0.50, 1.0)
_CIVIDIS = ("#00204d", "#404d6b", "#7c7b78", "#bcaf6f", "#ffea46")  # slowest first
_STEPS = len(_CIVIDIS)


def throughput_classes(
    rate_bps: Floats, no_service: NDArray[np.bool_], target_bps: float = 100e6
) -> NDArray[np.uint8]:
    """Return the class of n rates; NaN where nothing was measured. A class begins with its lower
    bound: exactly the target reaches it."""
    bounds = np.array(_SHARES_OF_TARGET) * target_bps
    step = np.searchsorted(bounds, rate_bps, side="right")  # 0 slowest
    classes = (_STEPS - step).astype(np.uint8)
    classes[~np.isfinite(rate_bps)] = NO_DATA
    classes[no_service] = NO_SERVICE
    return classes


def throughput_palette(texts: Texts, theme: Theme, target_bps: float = 100e6) -> ClassPalette:
    """Return labels, colours and shapes of :func:`throughput_classes`, worst last."""
    bounds = [texts.number(share * target_bps / 1e6) for share in _SHARES_OF_TARGET]
    rates = [
        texts.tr("map_rate_under", high=bounds[0]),
        *(
            texts.tr("map_rate_between", low=low, high=high)
            for low, high in itertools.pairwise(bounds)
        ),
        texts.tr("map_rate_from", low=bounds[-1]),
    ]
    return ClassPalette(
        labels=(texts.tr("map_no_data"), *reversed(rates), texts.tr("map_no_service")),
        colours=("#8a8f94", *reversed(_CIVIDIS), theme.no_service),
        shapes=(Shape.BAR, Shape.UP, *([Shape.DOWN] * (_STEPS - 1)), Shape.CROSS),
        unknown=frozenset({NO_DATA}),
    )
