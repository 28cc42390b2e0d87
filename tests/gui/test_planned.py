"""What the drive window shows of the plan: a line on the map, a word for it, and how far it is."""

from dataclasses import replace

import pytest
from PySide6.QtGui import QColor

from fieldsurvey.gui.drive_window import DriveWindow
from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.map_view import project_one
from fieldsurvey.gui.planned_layer import open_lines
from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch
from fieldsurvey.model.planned import PlannedProgress
from tests.gui.conftest import OpenWindow
from tests.support.gui_fake_drive import FakeDrive, driving
from tests.support.gui_features import few_features


def part(ref: str, from_km: int, to_km: int, made: int, needed: int = 7) -> PlannedProgress:
    stretch = PlannedStretch(ref, from_km * 1000, to_km * 1000, needed)
    return PlannedProgress(stretch, made)


@pytest.fixture(scope="module")
def features() -> MapFeatures:
    return few_features()


def test_an_open_stretch_is_cut_out_of_its_highway(features: MapFeatures) -> None:
    lines = open_lines(features, [part("KAZ01", 0, 20, 0)])
    start = project_one(43.2, 76.9)
    assert (lines.x[0], lines.y[0]) == pytest.approx(start)
    end = project_one(43.2 + 0.3 * 20 / 33.6, 76.9 + 0.05 * 20 / 33.6)  # 33.6 km to the vertex
    assert (lines.x[1], lines.y[1]) == pytest.approx(end, abs=2e-6)
    assert lines.joined.tolist() == [True, False]


def test_a_stretch_over_a_vertex_keeps_it_and_the_end_of_the_road(features: MapFeatures) -> None:
    lines = open_lines(features, [part("KAZ01", 20, 500, 0)])
    assert len(lines.x) == 3
    assert (lines.x[-1], lines.y[-1]) == pytest.approx(project_one(44.2, 77.1))


def test_only_what_lacks_tests_is_drawn(features: MapFeatures) -> None:
    done = part("KAZ01", 0, 20, 7)
    elsewhere = part("M36", 0, 20, 0)
    beyond = part("KAZ01", 500, 510, 0)
    village = PlannedProgress(PlannedSettlement("s1", 3), 0)
    assert len(open_lines(features, [done, elsewhere, beyond, village]).x) == 0
    assert len(open_lines(features, [done, part("KAZ01", 20, 30, 6)]).x) == 2


def dark_pixels(window: DriveWindow) -> int:
    """Pixels of the map's lower left, where the legend is, in the colour of ink."""
    look = window._look
    image = window._map.grab().toImage()
    ink = QColor(look.theme.ink)
    height = window._map.height()
    return sum(
        image.pixelColor(x, y) == ink
        for x in range(look.px(8), look.px(50))
        for y in range(height - look.px(70), height - look.px(44))
    )


def test_the_map_has_a_word_for_the_line_while_there_is_one(
    open_window: OpenWindow, features: MapFeatures
) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    window._map.set_features(features)
    without = dark_pixels(window)
    drive.now = replace(drive.now, planned=(part("KAZ01", 10, 20, 2),))
    window.look_at_drive()
    assert dark_pixels(window) > without + 50
    drive.now = replace(drive.now, planned=(part("KAZ01", 10, 20, 7),))
    window.look_at_drive()
    assert dark_pixels(window) == without


def test_it_says_how_far_the_plan_is_where_the_car_is(open_window: OpenWindow) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    assert not window._map.planned.isVisible()
    village = PlannedProgress(PlannedSettlement("s1", 2), 2)
    here = (part("KZ38-01", 40, 50, 3), village)
    drive.now = replace(drive.now, planned=here, planned_here=here)
    window.look_at_drive()
    assert window._map.planned.text() == "KZ38-01 km 40–50: 3 of 7 tests"
    assert window._map.planned.isVisible()
    drive.now = replace(
        drive.now, planned_here=(part("KZ38-01", 40, 50, 7), replace(village, made=1))
    )
    window.look_at_drive()
    assert window._map.planned.text() == "Қаскелең: 1 of 2 tests", "what is still open comes first"
    drive.now = replace(drive.now, planned_here=())
    window.look_at_drive()
    assert not window._map.planned.isVisible()
