"""The verdict of settlements as its sign, over the dot that every settlement has."""

from collections.abc import Iterator, Mapping

import numpy as np

from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.sign_sprites import Sprite
from fieldsurvey.gui.workbench_map.stretch_layer import DRAWN_IN_ORDER, verdict_sprites
from fieldsurvey.model.verdict import Verdict

_RADIUS_PX = 8


class SettlementSigns:
    """The judged ones among the settlements of the map.

    ``verdicts`` is by settlement id; ids that the places file does not have cannot be drawn.
    """

    def __init__(self, features: MapFeatures, verdicts: Mapping[str, Verdict]) -> None:
        judged = [
            (number, verdicts[id_])
            for number, id_ in enumerate(features.settlement_ids)
            if id_ in verdicts
        ]
        self._places = {}
        for verdict in DRAWN_IN_ORDER:
            index = np.array([number for number, said in judged if said is verdict], dtype=np.intp)
            if len(index):
                self._places[verdict] = (features.settlement_x[index], features.settlement_y[index])

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Return the verdicts there are, in the order they are drawn in."""
        return tuple(self._places)

    def signs(self, view: MapView, look: Look, ratio: float) -> Iterator[Sprite]:
        """Return every sign in view, at most one of a kind where they would cover each other."""
        for verdict, (x, y) in self._places.items():
            yield from verdict_sprites(verdict, x, y, view, look, ratio, (_RADIUS_PX, _RADIUS_PX))
