"""An event against a usual day in the workbench: fixed laptops, hours, and the sentence."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.gui.shapes import Shape
from fieldsurvey.gui.workbench.actions import Do
from fieldsurvey.gui.workbench.event_days import DAY_US, event_hours
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from tests.support.workbench_data import a_highway, at_fixed_points
from tests.support.workbench_window import a_workbench, settle, show_measurements

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")


def all_of(m: Measurements) -> np.ndarray:
    return np.ones(len(m.tests), bool)


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[WorkbenchWindow]:
    shown = a_workbench(tmp_path)
    shown.resize(1280, 800)
    shown.show()
    yield shown
    shown.close()
    shown.deleteLater()
    del shown
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_a_laptop_that_drives_is_no_fixed_point_however_little_is_selected() -> None:
    driving = a_highway(2_000, 60)
    found = event_hours(driving, all_of(driving), np.arange(120) < 2, None, None)
    assert (found.days, found.hours, found.driving_tests) == ((), None, 2)


def test_days_are_kazakhstans_and_those_asked_for_are_compared() -> None:
    m = at_fixed_points()
    found = event_hours(m, all_of(m), all_of(m), None, None)
    first, second = sorted(found.days)
    assert second - first == DAY_US
    assert (found.event, found.baseline) == (second, first), "what came later is the event"
    assert (first + 5 * 3_600_000_000) % DAY_US == 0
    found = event_hours(m, all_of(m), all_of(m), second, first)
    assert found.hours is not None
    hours = found.hours.rows_by_key("hour", named=True, unique=True)
    assert sorted(hours) == [9, 10, 11, 18, 19]
    assert (hours[19]["event_tests"], hours[19]["event_no_service"]) == (12, 6)
    assert hours[19]["event_p10_bps"] is None, "the rank had no service: no rate"
    assert hours[18]["event_p50_bps"] == 45_000_000
    assert hours[18]["verdict"] == "worse"
    assert hours[19]["busy"]
    only = all_of(m) & (m.tests["started_utc_us"] >= second).to_numpy()
    alone = event_hours(m, only, only, first, first)
    assert (alone.event, alone.baseline) == (second, None)


def test_replays_are_no_event() -> None:
    m = at_fixed_points()
    replayed = replace(m, drives=m.drives.with_columns(replayed=pl.lit(value=True)))
    assert event_hours(replayed, all_of(m), all_of(m), None, None).days == ()


def test_the_chart_says_the_busy_hour_and_follows_days_and_selection(
    window: WorkbenchWindow,
) -> None:
    show_measurements(window, at_fixed_points())
    window.do(Do.CHART_EVENT)
    settle(window)
    chart = window.charts.event_chart
    assert [chart.event_day.count(), chart.usual_day.count()] == [2, 2]
    chart.event_day.setCurrentIndex(0)
    settle(window)
    assert chart.sentence.text().startswith("No single busy hour, 5 are equally low")
    assert not any(line.isVisible() for line in chart._busy)
    chart.event_day.setCurrentIndex(1)
    settle(window)
    assert chart._no_rate.isVisible(), "what the band below 0 means"
    assert "target 100 Mbps" in chart.legend.accessibleName()
    assert [line.value() for line in chart._busy if line.isVisible()] == [19, 20]
    assert chart.found is not None
    assert (chart.found.event, chart.found.baseline) == tuple(sorted(chart.found.days))[::-1]
    assert chart.sentence.text().startswith("Busy hour 19:00–20:00: worse than usual")
    assert chart.accessibleDescription() == chart.sentence.text()
    block = chart._blocks[0].opts
    assert (block["y0"] < 0).tolist() == [False] * 4 + [True], "from no service up, not from 0"
    assert not (block["y0"] == 0).any()
    assert len(chart._silent._x) == 1, "the hour whose median had no service"
    chart.brush(18.0, 19.0)
    settle(window)
    assert int(window.model.tests.sum()) == 12
    assert "median 45.0 Mbps" in chart.sentence.text()
    window.model.set_brush(None)
    settle(window)
    picture = chart.grab().toImage()
    assert not picture.isNull()


def test_the_legend_shows_either_day_as_it_is_drawn(window: WorkbenchWindow) -> None:
    show_measurements(window, at_fixed_points())
    window.do(Do.CHART_EVENT)
    settle(window)
    chart = window.charts.event_chart
    signs = {word.split(":")[0]: sign for sign, _colour, word in chart.legend._entries}
    assert (signs["Event"], signs["Usually"]) == (Shape.SQUARE, Shape.FRAME)
    assert chart._blocks[0].opts["brush"].style() != Qt.BrushStyle.NoBrush
    assert chart._blocks[1].opts["brush"].style() == Qt.BrushStyle.NoBrush
    assert chart._blocks[1].opts["pen"].style() == Qt.PenStyle.SolidLine, "dashes are the target"


def test_without_fixed_laptops_it_says_so(window: WorkbenchWindow) -> None:
    show_measurements(window, a_highway(500, 20))
    window.do(Do.CHART_EVENT)
    settle(window)
    said = window.charts.event_chart.sentence.text()
    assert said.startswith("No laptop stood at one place")
    assert "40 tests" in said
    chart = window.charts.event_chart
    ticks = chart.counted.tickValues(0, 1.5, 60)
    assert ticks == [(1.0, [0.0, 1.0])], "there are no half tests"
    assert not chart.event_day.isVisible(), "there is no day to choose"
    assert not chart.usual_day.isVisible()
