"""The map as one of the views of the selection: what it is given, and what comes back from it.

Points are all seconds, then all tests, in the order of the tables.
"""

import numpy as np

from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.facts import Facts
from fieldsurvey.gui.workbench.judged import Judged, StretchLine, box_of
from fieldsurvey.gui.workbench.judged_cells import Hexagon
from fieldsurvey.gui.workbench.results import drawn_rates_mbps
from fieldsurvey.gui.workbench.saying import spoken
from fieldsurvey.gui.workbench.selection import Brush, Changed, SelectionModel, Spot
from fieldsurvey.gui.workbench_map.map_data import MapHexagon, MapPoints, MapStretch
from fieldsurvey.gui.workbench_map.throughput_classes import (
    NO_DATA,
    NO_SERVICE,
    throughput_classes,
    throughput_palette,
)
from fieldsurvey.gui.workbench_map.workbench_map import WorkbenchMap


class MapPane:
    """Attributes:
    map: the widget.
    """

    def __init__(self, model: SelectionModel, map_widget: WorkbenchMap) -> None:
        self._model = model
        self.map = map_widget
        self._look: Look | None = None
        self._judged: Judged | None = None
        self.map.clicked.connect(self._click)
        self.map.brushed.connect(self._brush)
        model.listen(self._note_change)

    def set_look(self, look: Look) -> None:
        self._look = look
        self.map.set_look(look)
        if self._model.is_open:
            target_bps = self._model.facts.target_bps
            palette = throughput_palette(look.texts, look.theme, target_bps)
            self.map.set_point_classes(_classes(self._model.facts), palette)
        self._show_stretches()

    def _note_change(self, changed: Changed) -> None:
        if self._look is None:
            return
        if changed & Changed.DATA:
            self._show_points(self._look)
        if changed & Changed.SELECTION:
            self._show_selection()
        if changed & (Changed.SPOT | Changed.SELECTION):
            self.mark_spot()
        if changed & Changed.SPOT:
            self._show_marked()

    def _show_points(self, look: Look) -> None:
        facts = self._model.facts
        classes = _classes(facts)
        both = (facts.samples, facts.tests)
        self.map.set_points(
            MapPoints(
                np.concatenate([rows.latitude_deg for rows in both]),
                np.concatenate([rows.longitude_deg for rows in both]),
                classes,
                np.repeat([False, True], [len(rows) for rows in both]),
            )
        )
        palette = throughput_palette(look.texts, look.theme, facts.target_bps)
        self.map.set_point_classes(classes, palette)
        self.map.show_all()

    def _show_selection(self) -> None:
        model = self._model
        selected = np.concatenate([model.samples, model.tests])
        self.map.set_selection(None if selected.all() else selected)

    def _place(self) -> tuple[float, float] | None:
        spot = self._model.marked_spot
        return None if spot is None else self._model.place_of(spot)

    def mark_spot(self) -> None:
        """Mark what is looked at, and no place any more that was found by its name."""
        place = self._place()
        self.map.set_marker(*((None, None) if place is None else place))

    def _show_marked(self) -> None:
        place = self._place()
        if place is None:
            return
        south, west, north, east = self.map.box()
        if not (south < place[0] < north and west < place[1] < east):
            high, wide = (north - south) / 2, (east - west) / 2
            self.map.show_box(place[0] - high, place[1] - wide, place[0] + high, place[1] + wide)

    def show_judged(self, judged: Judged) -> None:
        self._judged = judged
        self._show_stretches()
        self.map.set_settlement_verdicts(judged.settlement_verdicts())

    def _show_stretches(self) -> None:
        if self._judged is not None and self._look is not None:
            look, judged = self._look, self._judged
            self.map.set_stretches([_stretch(look, judged, line) for line in judged.lines])
            self.map.set_hexagons([_hexagon(look, judged, one) for one in judged.hexagons])

    def zoom_to_selection(self) -> None:
        model = self._model
        latitude, longitude = (
            np.concatenate(
                [
                    getattr(model.facts.samples, name)[model.samples],
                    getattr(model.facts.tests, name)[model.tests],
                ]
            )
            for name in ("latitude_deg", "longitude_deg")
        )
        box = box_of(latitude, longitude)
        if box is not None:
            self.map.show_box(*box)

    # Back from the map

    def _spot(self, point: int) -> Spot:
        seconds = len(self._model.samples)
        return Spot(point >= seconds, point - seconds if point >= seconds else point)

    def _click(self, point: int | None) -> None:
        self._model.look_at(None if point is None else self._spot(point))

    def _brush(self, inside: np.ndarray | None) -> None:
        seconds = len(self._model.samples)
        brush = None if inside is None else Brush(inside[seconds:], inside[:seconds])
        self._model.set_brush(brush)


def _classes(facts: Facts) -> np.ndarray:
    """Return the class of every second, which has no rate, and of every test."""
    seconds = np.where(facts.reachable, np.uint8(NO_DATA), np.uint8(NO_SERVICE))
    no_service = facts.tests.fields["result"].is_word("no_service")
    tests = throughput_classes(drawn_rates_mbps(facts) * 1e6, no_service, facts.target_bps)
    return np.concatenate([seconds, tests])


def _hexagon(look: Look, judged: Judged, hexagon: Hexagon) -> MapHexagon:
    from fieldsurvey.analysis.sentence import cell_sentence

    said = [
        spoken(look.texts, cell_sentence(judged.cells.row(row, named=True), judged.by.rate_bps))
        for row in hexagon.rows
    ]
    return MapHexagon(hexagon.latitude_deg, hexagon.longitude_deg, hexagon.verdict, "; ".join(said))


def _stretch(look: Look, judged: Judged, line: StretchLine) -> MapStretch:
    from fieldsurvey.analysis.sentence import stretch_sentence

    said = [
        spoken(
            look.texts,
            stretch_sentence(judged.stretches.row(row, named=True), judged.by.rate_bps),
        )
        for row in line.rows
    ]
    return MapStretch(
        line.latitude_deg, line.longitude_deg, line.verdict, "; ".join(said), line.rows[0]
    )
