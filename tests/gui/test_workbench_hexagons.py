"""Judged territory on the supervisor's map: hexagons by their verdict, told in words and signs."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fieldsurvey.analysis.cells import JUDGED_RESOLUTION
from fieldsurvey.analysis.targets import judged_by
from fieldsurvey.gui.theme import verdict_colour
from fieldsurvey.gui.workbench.judged_cells import hexagons_of, judge_off_highways
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from fieldsurvey.gui.workbench_map.map_data import MapHexagon
from fieldsurvey.model.verdict import Verdict
from tests.support.gui_map import LOOK, colours_of, opened_map, settle
from tests.support.workbench_data import a_highway
from tests.support.workbench_window import NOW_UTC_US, a_workbench, show_measurements

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")


def off_the_highway():
    """The made-up drives as if no places file knew their road."""
    from dataclasses import replace

    m = a_highway(2_000, 60)
    nowhere = {"highway_ref": pl.lit(None, pl.Categorical), "chainage_m": pl.lit(None, pl.Float64)}
    return replace(
        m, samples=m.samples.with_columns(**nowhere), tests=m.tests.with_columns(**nowhere)
    )


def hexagon(latitude: float, longitude: float, verdict: Verdict) -> MapHexagon:
    corners = np.radians(np.arange(0, 360, 60))
    return MapHexagon(
        latitude + 0.005 * np.sin(corners), longitude + 0.007 * np.cos(corners), verdict,
        f"here it is {verdict.value}",
    )  # fmt: skip


def test_cells_are_judged_where_no_highway_is() -> None:
    on_it = judge_off_highways(a_highway(2_000, 60), judged_by(), NOW_UTC_US)
    assert on_it.is_empty()
    cells = judge_off_highways(off_the_highway(), judged_by(), NOW_UTC_US)
    assert cells["tests"].sum() == 120
    found = hexagons_of(cells)
    assert sorted(row for one in found for row in one.rows) == list(range(len(cells)))
    from h3.api.basic_int import get_resolution, latlng_to_cell

    for one in found:
        assert get_resolution(one.cell) == JUDGED_RESOLUTION
        middle = one.latitude_deg.mean(), one.longitude_deg.mean()
        assert latlng_to_cell(*middle, JUDGED_RESOLUTION) == one.cell
        verdicts = {cells["verdict"][row] for row in one.rows}
        assert one.verdict == min(verdicts, key=["below", "undecided", "above"].index)


def test_each_verdict_has_its_own_hatching_and_says_itself_under_the_mouse(qtbot: QtBot) -> None:
    places = {Verdict.ABOVE: 76.90, Verdict.UNDECIDED: 76.93, Verdict.BELOW: 76.96}
    with opened_map(qtbot) as map_:
        map_.set_hexagons([hexagon(43.25, lon, verdict) for verdict, lon in places.items()])
        map_.show_box(43.23, 76.87, 43.27, 76.99)
        settle(qtbot, map_)
        picture = map_.grab().toImage()
        inked = {}
        for verdict, longitude in places.items():
            x, y = map_.view.one_to_screen(*world(43.25, longitude))
            around = picture.copy(round(x) - 24, round(y) + 12, 48, 12)
            plain = colours_of(around)
            ink = verdict_colour(LOOK.theme, verdict)
            inked[verdict] = len(plain), ink in plain
            event = QMouseEvent(
                QEvent.Type.MouseMove, QPointF(x, y), map_.mapToGlobal(QPointF(x, y)),
                Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            )  # fmt: skip
            QApplication.sendEvent(map_, event)
            place = map_._picture.hexagons.at(map_.view, x, y)
            assert place is not None
            assert place.label == f"here it is {verdict.value}"
        assert inked[Verdict.ABOVE][0] == 1, "one even veil"
        assert inked[Verdict.BELOW][0] > 1, "strokes"
        assert inked[Verdict.UNDECIDED][0] > 1, "dots"
        assert map_._picture.hexagons.at(map_.view, 1, 1) is None
        map_.show_box(40.0, 60.0, 50.0, 80.0)  # from afar they would be specks
        x, y = map_.view.one_to_screen(*world(43.25, 76.96))
        assert map_._picture.hexagons.at(map_.view, x, y) is None


def test_the_window_shows_what_was_judged(qtbot: QtBot, tmp_path: Path) -> None:
    window: WorkbenchWindow = a_workbench(tmp_path)
    try:
        window.resize(1024, 600)
        window.show()
        show_measurements(window, off_the_highway())
        shown = window.map._picture.hexagons
        assert set(shown.verdicts) <= set(Verdict)
        assert shown.verdicts
        one = shown._hexagons[-1]
        assert one.label.startswith("Cell at 43.")
    finally:
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def world(latitude: float, longitude: float) -> tuple[float, float]:
    from fieldsurvey.gui.map_view import project_one

    return project_one(latitude, longitude)
