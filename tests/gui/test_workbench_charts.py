"""What charts of the workbench look like: room, colours, ends of the axes, the clock."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from fieldsurvey.gui.theme import DAY
from fieldsurvey.gui.workbench.actions import Do
from fieldsurvey.gui.workbench.filters import Filters
from fieldsurvey.gui.workbench.printing import _picture
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from fieldsurvey.model.messages import LANGUAGES
from tests.support.workbench_data import HIGHWAY, a_highway
from tests.support.workbench_window import a_workbench, settle, show_measurements

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[WorkbenchWindow]:
    shown = a_workbench(tmp_path)
    shown.resize(1024, 600)
    shown.show()
    show_measurements(shown, a_highway(2_000, 60))
    yield shown
    shown.close()
    shown.deleteLater()
    del shown
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_curves_have_room_in_the_smallest_window_and_boxes_where_there_is_some(
    window: WorkbenchWindow,
) -> None:
    window.do(Do.CHART_DISTRIBUTION)
    settle(window)
    chart = window.charts.distribution
    assert chart.box.height() >= 100
    assert "Kcell" in chart.legend.accessibleName()
    assert "Beeline" in chart.legend.accessibleName()
    window.resize(1024, 480)
    settle(window)
    assert not chart.boxes.isVisible()
    low = chart.box.height()
    window.resize(1600, 1000)
    settle(window)
    assert chart.boxes.isVisible()
    assert chart.boxes.height() >= 2 * 15, "each box is seen"
    assert chart.box.height() > low


def test_the_names_of_all_charts_are_in_sight_in_each_language(window: WorkbenchWindow) -> None:
    tabs = window.charts.tabs.tabBar()
    for width in (1024, 500):  # side by side, and one part at a time in the smallest window
        window.resize(width, 600)
        for _language in LANGUAGES:
            settle(window)
            window.panels.show_part(window.charts)
            window.panels._above.setSizes([10_000, 1])
            settle(window)
            assert window.width() == width
            assert tabs.width() >= tabs.tabRect(tabs.count() - 1).right()
            assert [button for button in tabs.findChildren(QToolButton) if button.isVisible()] == []
            window.do(Do.LANGUAGE)


def test_an_operator_has_one_colour_in_all_charts_whatever_is_filtered(
    window: WorkbenchWindow,
) -> None:
    def of_distribution() -> dict[str, str]:
        window.do(Do.CHART_DISTRIBUTION)
        settle(window)
        legend = window.charts.distribution.legend
        entries = [(word, colour) for _, colour, word in legend._entries if ":" in word]
        return {word.split(":")[0]: colour for word, colour in entries}

    colours = of_distribution()
    window.do(Do.CHART_PAIRS)
    settle(window)
    legend = window.charts.pairs.legend
    compared = {word: colour for _, colour, word in legend._entries if word in colours}
    assert compared == colours
    assert len(set(colours.values())) == 2
    window.model.set_filters(Filters(choices={"operator": ("Kcell",)}))
    assert of_distribution() == {"Kcell": colours["Kcell"]}


def test_no_chart_is_zoomed_beyond_what_there_is_nor_nearer_than_a_second_or_a_metre(
    window: WorkbenchWindow,
) -> None:
    charts = (window.charts.rate, window.charts.latency, window.charts.signal)
    for do, chart in zip((Do.CHART_RATE, Do.CHART_LATENCY, Do.CHART_SIGNAL), charts, strict=True):
        window.do(do)
        settle(window)
        low, high = chart.box.viewRange()[0]
        for _ in range(200):
            chart.zoom(1.25)
        wide_low, wide_high = chart.box.viewRange()[0]
        assert wide_high - wide_low < 3 * (high - low)
        for _ in range(200):
            chart.zoom(0.8)
        near_low, near_high = chart.box.viewRange()[0]
        assert near_high - near_low >= 0.99
    window.do(Do.CHART_RATE)
    window.do(Do.AXIS)
    settle(window)
    for _ in range(200):
        window.charts.rate.zoom(0.8)
    near_low, near_high = window.charts.rate.box.viewRange()[0]
    assert near_high - near_low == pytest.approx(0.001)


def test_an_empty_road_axis_says_why(window: WorkbenchWindow) -> None:
    off = a_highway(200, 10)
    nowhere = pl.lit(None, pl.String)
    show_measurements(
        window,
        replace(
            off,
            tests=off.tests.with_columns(highway_ref=nowhere.cast(pl.Categorical)),
            samples=off.samples.with_columns(highway_ref=nowhere.cast(pl.Categorical)),
        ),
    )
    window.do(Do.AXIS)
    for do, chart in (
        (Do.CHART_RATE, window.charts.rate),
        (Do.CHART_LATENCY, window.charts.latency),
    ):
        window.do(do)
        settle(window)
        assert "no kilometres here" in chart.sentence.text()
        assert "UTC+5" not in chart.legend.accessibleName()
    window.do(Do.AXIS)
    settle(window)
    assert "UTC+5" in window.charts.latency.legend.accessibleName()


def test_no_chart_tells_a_share_of_picked_tests(window: WorkbenchWindow) -> None:
    window.model.set_filters(Filters(choices={"result": ("above",)}))
    for do, chart in (
        (Do.CHART_SIGNAL, window.charts.signal),
        (Do.CHART_DISTRIBUTION, window.charts.distribution),
    ):
        window.do(do)
        settle(window)
        assert "%" not in chart.sentence.text()
        assert "%" not in chart.legend.accessibleName()


def test_signs_of_the_signal_chart_are_explained(window: WorkbenchWindow) -> None:
    window.do(Do.CHART_SIGNAL)
    settle(window)
    words = window.charts.signal.legend.accessibleName()
    assert all(said in words for said in ("below target", "above target"))


def test_who_has_no_kilometre_in_common_is_not_told_to_clear_a_selection(
    window: WorkbenchWindow,
) -> None:
    far = a_highway(500, 20)
    of_beeline = pl.when(pl.col("operator") == "Beeline")
    apart = of_beeline.then(pl.col("chainage_m") + 50_000).otherwise("chainage_m")
    far = replace(far, tests=far.tests.with_columns(chainage_m=apart, end_chainage_m=apart))
    show_measurements(window, far)
    window.do(Do.CHART_PAIRS)
    settle(window)
    assert "no kilometre of a highway in common" in window.charts.pairs.sentence.text()
    window.model.brush_tests(window.model.tests)
    settle(window)
    assert "Esc" in window.charts.pairs.sentence.text()


def test_the_highway_of_a_comparison_is_no_sign_in_its_legend(window: WorkbenchWindow) -> None:
    window.do(Do.CHART_PAIRS)
    settle(window)
    signs = {word: sign for sign, _colour, word in window.charts.pairs.legend._entries}
    assert signs[HIGHWAY] is Qt.PenStyle.NoPen, "nothing in the chart is drawn as that"


def test_what_has_no_two_sides_is_not_told_of_the_sides_before(window: WorkbenchWindow) -> None:
    window.do(Do.CHART_PAIRS)
    chart = window.charts.pairs
    chart.field.setCurrentIndex(3)  # while operators are still being compared
    settle(window)
    assert chart.sentence.text() == "Two different sides are needed for a comparison."
    assert chart.legend.accessibleName() == "target 100 Mbps"
    chart.field.setCurrentIndex(0)
    settle(window)
    assert chart.legend.accessibleName().endswith("KZ38-01, target 100 Mbps")
    chart.field.setCurrentIndex(3)
    assert chart.legend.accessibleName() == "target 100 Mbps"


def test_a_signal_has_its_unit(window: WorkbenchWindow) -> None:
    window.do(Do.CHART_SIGNAL)
    settle(window)
    assert " dBm up " in window.charts.signal.sentence.text()


@pytest.mark.parametrize(
    "do", [Do.CHART_RATE, Do.CHART_SIGNAL, Do.CHART_DISTRIBUTION, Do.CHART_PAIRS, Do.CHART_EVENT]
)
def test_the_target_is_named_where_it_covers_no_test(window: WorkbenchWindow, do: Do) -> None:
    window.do(do)
    settle(window)
    chart = window.charts.tabs.currentWidget()
    assert "target 100 Mbps" in chart.legend.accessibleName()
    words = [item.toPlainText() for item in chart.view.items() if isinstance(item, pg.TextItem)]
    assert "target 100 Mbps" not in words


def test_a_chart_out_of_sight_is_of_what_is_open(window: WorkbenchWindow, tmp_path: Path) -> None:
    window.do(Do.CHART_RATE)
    window.resize(600, 400)  # one part at a time
    window.panels.show_part(window.map)
    settle(window)
    chart = window.charts.rate
    for tests, ask in (
        (30, lambda: window.do(Do.SHOW_ALL)),
        (20, lambda: window.do(Do.ZOOM_SELECTION)),
        (40, lambda: window.print_to(tmp_path / "printed.pdf")),
    ):
        show_measurements(window, a_highway(300, tests))
        assert not chart.isVisible()
        ask()
        assert f"of {2 * tests} tests" in chart.sentence.text()


def test_a_chart_that_was_never_seen_is_printed_whole(qtbot: QtBot, tmp_path: Path) -> None:
    window = a_workbench(tmp_path)
    qtbot.addWidget(window)
    window.resize(600, 400)
    window.show()
    show_measurements(window, a_highway(300, 30))
    chart = window.charts.rate
    chart.catch_up()
    assert not chart.isVisible()
    picture = _picture(chart)
    right_half = [
        (x, y)
        for x in range(picture.width() // 2, picture.width())
        for y in range(picture.height() * 3 // 4)  # the legend is below
    ]
    drawn = {picture.pixelColor(*at).name() for at in right_half}
    assert DAY.below in drawn, "the marks of the second day"
