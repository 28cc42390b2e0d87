"""The supervisor's map as it is used: what is drawn, what mouse and keys do, what is told."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPageSize, QPainter, QPdfWriter, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from fieldsurvey.gui.map_furniture import paint_scale_bar
from fieldsurvey.gui.map_view import MapView, project, project_one
from fieldsurvey.gui.shapes import VERDICT_SHAPES
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import DAY, NIGHT, Look, verdict_colour
from fieldsurvey.gui.workbench_map.map_data import ClassPalette, MapPoints, MapStretch
from fieldsurvey.gui.workbench_map.map_picture import scale_bar_room
from fieldsurvey.gui.workbench_map.point_signs import halo_of
from fieldsurvey.gui.workbench_map.route_layer import RouteSigns
from fieldsurvey.gui.workbench_map.throughput_classes import (
    NO_DATA,
    NO_SERVICE,
    throughput_classes,
    throughput_palette,
)
from fieldsurvey.gui.workbench_map.workbench_map import WorkbenchMap
from fieldsurvey.model.messages import LANGUAGES
from fieldsurvey.model.verdict import Verdict
from tests.support.gui_features import few_features
from tests.support.gui_map import (
    GOOD,
    LOOK,
    NONE,
    PALETTE,
    POOR,
    beside_the_legend,
    colours_of,
    count_of,
    drives,
    opened_map,
    points_at,
    settle,
)

ALMATY = (43.25, 76.92)


@pytest.fixture
def map_(qtbot: QtBot) -> Iterator[WorkbenchMap]:
    with opened_map(qtbot) as widget:
        yield widget


def _show(qtbot: QtBot, widget: WorkbenchMap, points: MapPoints) -> None:
    widget.set_points(points)
    widget.set_point_classes(points.classes, PALETTE)
    settle(qtbot, widget)


def _middle(widget: WorkbenchMap) -> QPoint:
    return widget.rect().center()


def _around(latitude: float, longitude: float, reach: float = 0.05) -> tuple[float, ...]:
    return latitude - reach, longitude - reach, latitude + reach, longitude + reach


def test_the_worst_of_a_place_shows_from_afar_and_near(qtbot: QtBot, map_: WorkbenchMap) -> None:
    """Ten thousand good results and one bad one in the same street."""
    count = 12_000
    random = np.random.default_rng(0)
    points = MapPoints(
        ALMATY[0] + random.normal(0, 1e-4, count),
        ALMATY[1] + random.normal(0, 1e-4, count),
        np.where(np.arange(count) == 7_777, POOR, GOOD).astype(np.uint8),
        np.zeros(count, bool),
    )
    _show(qtbot, map_, points)
    map_.show_box(*_around(*ALMATY, 5))
    settle(qtbot, map_)
    assert {"#ff00ff"} == colours_of(beside_the_legend(map_)) & {"#ff00ff", "#00ff00"}
    map_.show_box(*_around(*ALMATY, 0.002))
    settle(qtbot, map_)
    picture = beside_the_legend(map_)
    assert count_of(picture, "#ff00ff") >= 4
    assert count_of(picture, "#00ff00") > 1_000


def test_what_is_not_selected_is_dimmed_and_never_hidden(qtbot: QtBot, map_: WorkbenchMap) -> None:
    points = points_at((43.25, 76.90), (43.25, 76.94), classes=[POOR, GOOD], tests=True)
    _show(qtbot, map_, points)
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    before = beside_the_legend(map_)
    assert {"#ff00ff", "#00ff00"} <= colours_of(before)
    map_.set_selection(np.array([False, True]))
    settle(qtbot, map_)
    after = beside_the_legend(map_)
    assert "#ff00ff" not in colours_of(after)
    assert "#00ff00" in colours_of(after)
    at = map_.view.one_to_screen(*_world(43.25, 76.90))
    dimmed = map_.grab().toImage().pixelColor(round(at[0]), round(at[1]))
    assert dimmed.name() not in (LOOK.theme.map_ground, "#ff00ff")
    map_.set_selection(None)
    settle(qtbot, map_)
    assert beside_the_legend(map_) == before


def _world(latitude: float, longitude: float) -> tuple[float, float]:
    from fieldsurvey.gui.map_view import project_one

    return project_one(latitude, longitude)


def test_a_wrong_number_of_values_is_refused(qtbot: QtBot, map_: WorkbenchMap) -> None:
    with pytest.raises(ValueError, match="0 points"):
        map_.set_selection(np.ones(3, bool))
    _show(qtbot, map_, points_at(ALMATY, ALMATY, classes=[GOOD, POOR]))
    with pytest.raises(ValueError, match="2 points"):
        map_.set_selection(np.ones(3, bool))
    with pytest.raises(ValueError, match="class 9"):
        map_.set_point_classes(np.array([1, 9], np.uint8), PALETTE)


def test_classes_wait_for_a_palette_that_has_them(qtbot: QtBot, map_: WorkbenchMap) -> None:
    _show(qtbot, map_, points_at(ALMATY, classes=[GOOD]))
    more = ClassPalette(
        tuple("abcdef"), tuple(f"#12{n}4{n}6" for n in range(6)), PALETTE.shapes[:1] * 6
    )
    map_.set_points(points_at(ALMATY, classes=[5]))
    settle(qtbot, map_)
    map_.set_point_classes(np.array([5], np.uint8), more)
    map_.show_all()
    settle(qtbot, map_)
    assert "#125456" in colours_of(map_.grab().toImage())


def test_hover_and_click_tell_the_point_by_its_own_index(qtbot: QtBot, map_: WorkbenchMap) -> None:
    points = points_at((43.20, 76.80), ALMATY, (np.nan, 76.9), classes=[GOOD, POOR, NONE])
    _show(qtbot, map_, points)
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    hovered: list[int | None] = []
    clicked: list[int | None] = []
    map_.hovered.connect(hovered.append)
    map_.clicked.connect(clicked.append)
    qtbot.mouseMove(map_, _middle(map_) + QPoint(200, 100))
    qtbot.mouseMove(map_, _middle(map_))
    qtbot.mouseClick(map_, Qt.MouseButton.LeftButton, pos=_middle(map_))
    qtbot.mouseMove(map_, _middle(map_) + QPoint(200, 100))
    qtbot.mouseClick(map_, Qt.MouseButton.LeftButton, pos=_middle(map_) + QPoint(200, 100))
    assert hovered == [1, None]
    assert clicked == [1, None]


def test_numbers_of_old_points_are_not_told_of_new_ones(qtbot: QtBot, map_: WorkbenchMap) -> None:
    _show(qtbot, map_, points_at((43.0, 76.0), ALMATY, classes=[GOOD, POOR]))
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    map_.set_points(points_at((43.0, 76.0), classes=[GOOD]))  # what is seen are still the old
    clicked: list[int | None] = []
    map_.clicked.connect(clicked.append)
    qtbot.mouseClick(map_, Qt.MouseButton.LeftButton, pos=_middle(map_))
    settle(qtbot, map_)
    qtbot.mouseClick(map_, Qt.MouseButton.LeftButton, pos=_middle(map_))
    assert clicked == [None, None]
    map_.set_selection(np.array([True]))  # the length of the new


def test_a_brush_upon_old_points_selects_none_of_the_new(qtbot: QtBot, map_: WorkbenchMap) -> None:
    _show(qtbot, map_, points_at((43.0, 76.0), ALMATY, classes=[GOOD, POOR]))
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    brushed: list[object] = []
    map_.brushed.connect(brushed.append)
    around = [_middle(map_) + QPoint(dx, dx) for dx in (-60, 60)]
    _drag(map_, around, Qt.KeyboardModifier.ShiftModifier)  # which are inside is worked out
    map_.set_points(points_at((43.0, 76.0), classes=[GOOD]))
    settle(qtbot, map_)
    assert brushed == []
    map_.show_box(*_around(43.0, 76.0))
    with qtbot.waitSignal(map_.brushed) as drawn:
        _drag(map_, around, Qt.KeyboardModifier.ShiftModifier)
    assert drawn.args[0].tolist() == [True]


def test_nothing_is_told_of_new_points_before_they_are_painted(
    qtbot: QtBot, map_: WorkbenchMap
) -> None:
    """What is seen are still the old ones, whose places along the curve now are others'."""
    _show(qtbot, map_, points_at((43.0, 76.0), ALMATY, classes=[GOOD, POOR]))
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    clicked: list[int | None] = []
    map_.clicked.connect(clicked.append)
    map_.setUpdatesEnabled(False)
    map_.set_points(points_at((43.0, 76.0), (51.0, 71.0), classes=[GOOD, POOR]))
    qtbot.waitUntil(lambda: not map_._maker.is_busy)
    qtbot.mouseClick(map_, Qt.MouseButton.LeftButton, pos=_middle(map_))
    map_.setUpdatesEnabled(True)
    assert clicked == [None]


def test_a_map_panned_far_is_painted_where_it_is(qtbot: QtBot, map_: WorkbenchMap) -> None:
    """Beyond the margin of the kept picture and back from another zoom."""
    line = MapStretch(np.array([43.25, 43.25]), np.array([70.0, 84.0]), Verdict.ABOVE, "km 1", None)
    map_.set_stretches([line])
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    start = map_.view
    for step in range(40):
        map_._show(start.panned(-step * 20, -step * 5).zoomed(0.1 * (step % 3)))
        map_.repaint()
        QApplication.processEvents()
    settle(qtbot, map_)
    _, y = map_.view.one_to_screen(*_world(43.25, 77.0))
    column = map_.grab().toImage().copy(600, 0, 1, 600)
    painted = [
        row for row in range(600)
        if column.pixelColor(0, row).name() == verdict_colour(DAY, Verdict.ABOVE)
    ]  # fmt: skip
    assert painted
    assert np.mean(painted) + 0.5 == pytest.approx(y, abs=1.5)


def _drag(widget: WorkbenchMap, path: list[QPoint], held: Qt.KeyboardModifier) -> None:
    from PySide6.QtTest import QTest

    QTest.mousePress(widget, Qt.MouseButton.LeftButton, held, path[0])
    for at in path[1:]:
        QTest.mouseMove(widget, at)
        QApplication.processEvents()
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, held, path[-1])


def test_a_brush_gives_all_points_inside_it(qtbot: QtBot, map_: WorkbenchMap) -> None:
    points = points_at(
        ALMATY, (43.251, 76.921), (43.29, 76.99), (np.nan, np.nan), classes=[GOOD, POOR, NONE, GOOD]
    )
    _show(qtbot, map_, points)
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
    around = [_middle(map_) + QPoint(dx, dy) for dx, dy in ((-60, -60), (0, 60), (60, 60))]
    with qtbot.waitSignal(map_.brushed) as rectangle:
        _drag(map_, around, shift)
    assert rectangle.args[0].tolist() == [True, True, False, False]
    lasso = [
        _middle(map_) + QPoint(dx, dy)
        for dx, dy in ((-20, -30), (-20, 30), (2, 30), (2, -30), (-20, -30))
    ]
    with qtbot.waitSignal(map_.brushed) as drawn:
        _drag(map_, lasso, shift | control)
    assert drawn.args[0].tolist() == [True, False, False, False]
    with qtbot.waitSignal(map_.brushed) as given_up:
        qtbot.keyClick(map_, Qt.Key.Key_Escape)
    assert given_up.args == [None]
    view = map_.view
    assert view == map_.view  # brushing does not move the map


def test_keys_draw_a_brush_around_the_middle(qtbot: QtBot, map_: WorkbenchMap) -> None:
    east, north = (ALMATY[0], ALMATY[1] + 0.06), (ALMATY[0] + 0.045, ALMATY[1])
    _show(qtbot, map_, points_at(ALMATY, east, north, classes=[GOOD, POOR, NONE]))
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    shift, before = Qt.KeyboardModifier.ShiftModifier, map_.view
    untouched = map_.grab().toImage()

    def brushed(*keys: Qt.Key) -> list[bool]:
        for key in keys:
            qtbot.keyPress(map_, key, shift)
        assert map_.grab().toImage() != untouched  # the brush is seen
        with qtbot.waitSignal(map_.brushed) as told:
            qtbot.keyRelease(map_, Qt.Key.Key_Shift)
        return list(told.args[0])

    right, up, left = Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left
    assert brushed(right) == [True, False, False]
    assert brushed(*[right] * 20) == [True, True, False]
    assert brushed(*[up] * 20) == [True, False, True]
    assert brushed(*[right] * 20, *[up] * 20) == [True, True, True]
    assert brushed(*[right] * 20, *[left] * 40) == [True, False, False]
    assert map_.view == before
    with qtbot.waitSignal(map_.brushed) as given_up:
        qtbot.keyPress(map_, right, shift)
        qtbot.keyClick(map_, Qt.Key.Key_Escape)
    assert given_up.args == [None]
    with qtbot.assertNotEmitted(map_.brushed, wait=50):
        qtbot.keyPress(map_, right, shift)
        map_.clearFocus()
        qtbot.keyRelease(map_, Qt.Key.Key_Shift)


def test_keys_and_mouse_move_the_map(qtbot: QtBot, map_: WorkbenchMap) -> None:
    map_.show_box(*_around(*ALMATY))
    changes: list[int] = []
    map_.view_changed.connect(lambda: changes.append(1))
    start = map_.view
    qtbot.keyClick(map_, Qt.Key.Key_Right)
    assert map_.view.x > start.x
    qtbot.keyClick(map_, Qt.Key.Key_Down)
    assert map_.view.y > start.y
    qtbot.keyClicks(map_, "+")
    assert map_.view.zoom == start.zoom + 0.5
    qtbot.keyClicks(map_, "-")
    assert map_.view.zoom == start.zoom
    corner = QPoint(100, 80)
    under = map_.view.one_to_world(corner.x(), corner.y())
    event = QWheelEvent(
        QPointF(corner), QPointF(map_.mapToGlobal(corner)), QPoint(), QPoint(0, 240),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(map_, event)
    assert map_.view.zoom == start.zoom + 1
    assert map_.view.one_to_screen(*under) == pytest.approx((corner.x(), corner.y()))
    before = map_.view
    _drag(map_, [corner, corner + QPoint(30, 20)], Qt.KeyboardModifier.NoModifier)
    assert map_.view == before.panned(30, 20)
    assert len(changes) == 6


def test_everything_is_shown_once_it_is_ready(qtbot: QtBot, map_: WorkbenchMap) -> None:
    points = drives(2_000)
    map_.set_points(points)
    map_.show_all()
    settle(qtbot, map_)
    south, west, north, east = map_.box()
    assert south < points.latitude_deg.min() < points.latitude_deg.max() < north
    assert west < points.longitude_deg.min() < points.longitude_deg.max() < east
    assert north - south < 3 * np.ptp(points.latitude_deg) + 1


def test_nothing_of_everything_lies_beneath_the_legend(qtbot: QtBot, map_: WorkbenchMap) -> None:
    points = drives(2_000)
    _show(qtbot, map_, points)
    map_.show_all()
    settle(qtbot, map_)
    x, _ = map_.view.to_screen(*project(points.latitude_deg, points.longitude_deg))
    assert map_._picture._legend.room.right() < x.min()
    assert x.max() < map_.view.width


def test_whoever_looks_elsewhere_meanwhile_is_left_there(qtbot: QtBot, map_: WorkbenchMap) -> None:
    map_.set_points(drives(2_000))
    map_.show_all()
    map_.show_box(*_around(*ALMATY))
    chosen = map_.view
    settle(qtbot, map_)
    assert map_.view == chosen


def test_stretches_show_their_verdict_and_give_their_key(qtbot: QtBot, map_: WorkbenchMap) -> None:
    map_.set_stretches(
        [
            MapStretch(
                np.array([latitude, latitude]), np.array([76.9, 76.94]), verdict, f"km {n}", n
            )
            for n, (latitude, verdict) in enumerate(
                zip((43.23, 43.25, 43.27), Verdict, strict=True)
            )
        ]
    )
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    colours = {verdict: verdict_colour(DAY, verdict) for verdict in Verdict}
    shown = beside_the_legend(map_)
    assert set(colours.values()) <= colours_of(shown)
    whole = count_of(shown, colours[Verdict.ABOVE])
    assert count_of(shown, colours[Verdict.UNDECIDED]) < 0.6 * whole  # dotted
    assert count_of(shown, colours[Verdict.BELOW]) < 0.9 * whole  # dashed
    keys: list[object] = []
    map_.stretch_clicked.connect(keys.append)
    qtbot.mouseClick(map_, Qt.MouseButton.LeftButton, pos=_middle(map_) + QPoint(40, 2))
    qtbot.mouseClick(map_, Qt.MouseButton.LeftButton, pos=_middle(map_) + QPoint(40, 60))
    assert keys == [1]


def test_settlements_show_their_verdict_by_shape(qtbot: QtBot, map_: WorkbenchMap) -> None:
    map_.set_settlement_verdicts({"1": Verdict.BELOW, "no such": Verdict.ABOVE})
    map_.set_features(few_features())
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    shown = beside_the_legend(map_)
    assert verdict_colour(DAY, Verdict.BELOW) in colours_of(shown)
    assert verdict_colour(DAY, Verdict.ABOVE) not in colours_of(shown)
    assert len({VERDICT_SHAPES[verdict] for verdict in Verdict}) == 3


def test_the_legend_says_what_is_put_together(qtbot: QtBot, map_: WorkbenchMap) -> None:
    points = drives(30_000)
    latitude = points.latitude_deg.copy()
    latitude[:12] = np.nan
    points = MapPoints(latitude, points.longitude_deg, points.classes, points.is_test)
    _show(qtbot, map_, points)
    map_.show_all()
    settle(qtbot, map_)
    texts = _legend(map_)
    assert any(text.startswith("Squares of ") and "worst" in text for text in texts)
    assert "12 without a position are not on the map" in texts
    assert not any("not selected" in text for text in texts)
    map_.set_selection(np.arange(30_000) < 5)
    map_.show_box(*_around(float(latitude[100]), float(points.longitude_deg[100]), 0.01))
    settle(qtbot, map_)
    texts = _legend(map_)
    assert "Single results, the worst on top" in texts
    assert "pale: not selected" in texts
    assert [label for label in PALETTE.labels if label not in texts] == []


def _legend(widget: WorkbenchMap) -> list[str]:
    return [row.text for row in widget._picture._legend_rows(widget.view, LOOK)]


def test_a_mark_and_its_end(qtbot: QtBot, map_: WorkbenchMap) -> None:
    map_.show_box(*_around(*ALMATY))
    settle(qtbot, map_)
    before = beside_the_legend(map_)
    map_.set_marker(*ALMATY)
    marked = beside_the_legend(map_)
    assert LOOK.theme.ink in colours_of(marked)
    assert marked != before
    map_.set_marker(None, None)
    assert beside_the_legend(map_) == before


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["invalid.mbtiles", "invalid-tile-format.mbtiles"])
def test_a_broken_base_map_is_told_on_the_map(
    qtbot: QtBot, map_: WorkbenchMap, shared_data: Path, name: str
) -> None:
    map_.set_basemap(shared_data / "tiles" / name)
    settle(qtbot, map_)
    assert map_.trouble is not None
    assert name in map_.trouble.text("kk")
    map_.set_basemap(None)
    assert map_.trouble is None


@pytest.mark.realdata
@pytest.mark.parametrize("suffix", ["mbtiles", "pmtiles"])
def test_print_is_screen(
    qtbot: QtBot, map_: WorkbenchMap, shared_data: Path, tmp_path: Path, suffix: str
) -> None:
    """The same box in the same colours; in a PDF the legend can be searched for its words."""
    map_.set_basemap(shared_data / "tiles" / f"kz_osm_raster.{suffix}")
    map_.set_features(few_features())
    _show(qtbot, map_, drives(3_000))
    map_.show_all()
    settle(qtbot, map_)
    screen = map_.grab().toImage()
    paper = QImage(QSize(1600, 1200), QImage.Format.Format_RGB32)
    painter = QPainter(paper)
    map_.render_to(painter, paper.size())
    painter.end()
    small = paper.scaled(screen.size(), mode=Qt.TransformationMode.SmoothTransformation)
    left = slice(0, 740)  # the buttons are of the screen only
    one, other = (
        np.frombuffer(
            picture.convertToFormat(QImage.Format.Format_RGB32).constBits(), np.uint8
        ).reshape(600, 800, 4)[:, left, :3].astype(int)
        for picture in (screen, small)
    )  # fmt: skip
    assert np.abs(one - other).mean() < 6
    file = tmp_path / "map.pdf"
    writer = QPdfWriter(str(file))
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    painter = QPainter(writer)
    map_.render_to(painter, QSize(writer.width(), writer.height()))
    painter.end()
    del writer
    assert file.read_bytes()[:5] == b"%PDF-"
    assert b"/Font" in file.read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", [DAY, NIGHT], ids=lambda theme: theme.name)
def test_classes_of_throughput_are_tied_to_the_target(language: str, theme: object) -> None:
    palette = throughput_palette(Texts(language), theme)  # type: ignore[arg-type]
    rates = np.array([100e6, 99.99e6, 50e6, 49e6, 10e6, 9.99e6, 0.0, np.nan, np.nan, 200e6])
    lost = np.array([False] * 8 + [True] * 2)
    classes = throughput_classes(rates, lost)
    assert classes.tolist() == [1, 2, 2, 3, 4, 5, 5, NO_DATA, NO_SERVICE, NO_SERVICE]
    assert len(set(palette.labels)) == len(palette) == 7
    assert palette.shapes[NO_SERVICE] not in palette.shapes[:NO_SERVICE]
    assert NO_DATA in palette.unknown
    # Worst last: drawn on top of the others.
    assert "100" in palette.labels[1]
    assert "10" in palette.labels[5]


def test_every_control_has_a_name_and_a_use(qtbot: QtBot, map_: WorkbenchMap) -> None:
    map_.set_look(Look(NIGHT, Texts("kk")))
    assert "картасы" in map_.accessibleName()
    assert "Escape" in map_.accessibleDescription()
    buttons = map_.findChildren(QAbstractButton)
    assert len({button.accessibleName() for button in buttons}) == len(buttons) == 3
    assert all(button.toolTip() for button in buttons)
    zoom = map_.view.zoom
    buttons[0].click()
    assert map_.view.zoom > zoom
    buttons[1].click()
    assert map_.view.zoom == zoom


def test_the_end_of_the_widget_ends_its_threads(qtbot: QtBot, tmp_path: Path) -> None:
    """Windows do not tell their parts that they are closed for good."""
    widget = WorkbenchMap()
    widget.set_basemap(tmp_path / "missing.mbtiles")
    widget.set_points(drives(1_000))
    workers = [widget._maker._worker, widget._picture.tiles._worker]  # type: ignore[union-attr]
    widget.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert all(worker is not None and worker._shutdown for worker in workers)


def test_signs_keep_an_outline_that_parts_them_from_the_map() -> None:
    from PySide6.QtGui import QColor

    for colour in throughput_palette(Texts("en"), DAY).colours:
        one, other = QColor(colour).lightnessF(), halo_of(QColor(colour)).lightnessF()
        assert abs(one - other) > 0.25


@pytest.mark.parametrize("zoom", [5.0, 9.5, 14.0])
def test_no_name_lies_under_the_scale_bar(map_: WorkbenchMap, zoom: float) -> None:
    view = replace(map_.view, zoom=zoom)
    picture = QImage(view.width, view.height, QImage.Format.Format_ARGB32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint_scale_bar(painter, view, LOOK)
    painter.fillRect(scale_bar_room(view, LOOK), Qt.GlobalColor.white)
    painter.end()
    opaque = {
        (x, y)
        for x in range(view.width)
        for y in range(view.height)
        if picture.pixelColor(x, y).alpha() and picture.pixelColor(x, y) != Qt.GlobalColor.white
    }
    assert not opaque, "all of the bar lies in what it is said to take"
    covered: list[QRectF] = []
    map_._picture.labels.paint = lambda _p, _v, _l, rooms: covered.extend(rooms)
    map_.grab()
    assert scale_bar_room(map_.view, LOOK) in covered


def test_a_route_is_numbered_in_its_order_and_taken_away_again(
    qtbot: QtBot, map_: WorkbenchMap
) -> None:
    south, west = ALMATY
    map_.show_box(south - 0.1, west - 0.1, south + 0.1, west + 0.1)
    settle(qtbot, map_)
    before = map_.grab().toImage()
    legs = [[(south - 0.06, west), (south - 0.04, west)], [(south + 0.06, west + 0.06)]]
    legs.append([(south + 0.0601, west + 0.06)])  # too close to the one before: not shown
    map_.set_route(legs)
    settle(qtbot, map_)
    route, view = map_._picture.route, map_.view
    assert [(s.x, s.y) for s in route.signs(view, LOOK, 1.0)] == [
        pytest.approx(project_one(south - 0.05, west)),
        pytest.approx(project_one(south + 0.06, west + 0.06)),
    ]
    between = view.one_to_screen(*project_one(south + 0.01, west + 0.03))
    shown = map_.grab().toImage()
    assert shown.pixelColor(*map(round, between)).lightness() < 80, "the way between"
    map_.set_route([])
    settle(qtbot, map_)
    assert map_.grab().toImage() == before


def test_ten_thousand_places_of_a_route_are_numbered_within_a_frame() -> None:
    many = [[(43.0 + n % 100 / 50, 76.0 + n / 5_000)] for n in range(10_000)]
    route = RouteSigns(many)
    view = replace(MapView(), zoom=6.0, width=1_000, height=700)
    x, y = project_one(44.0, 77.0)
    began = time.perf_counter()
    signs = list(route.signs(replace(view, x=x, y=y), LOOK, 1.0))
    assert 1 < len(signs) < 600
    assert time.perf_counter() - began < 0.2
