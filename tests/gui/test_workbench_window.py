"""The workbench without a screen: one selection in every view, words, files, keys."""

import dataclasses
import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from fieldsurvey.analysis.measurements import Measurements, nothing
from fieldsurvey.gui.map_view import project_one
from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.workbench.actions import ACTIONS, Do
from fieldsurvey.gui.workbench.along import Axis
from fieldsurvey.gui.workbench.dialogs import Question
from fieldsurvey.gui.workbench.distribution_chart import groups_of
from fieldsurvey.gui.workbench.filters import Filters, RoadRange
from fieldsurvey.gui.workbench.results import DRAWN
from fieldsurvey.gui.workbench.selection import Brush, Spot
from fieldsurvey.gui.workbench.settings import Settings
from fieldsurvey.gui.workbench.table_model import BEHIND_NUMBERS
from fieldsurvey.gui.workbench.tables import Table
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import LANGUAGES, catalogue, message
from tests.support.opening_bulk import write_long_survey
from tests.support.workbench_data import HIGHWAY, a_highway, at_fixed_points
from tests.support.workbench_window import a_workbench, settle, show_measurements

# The screenless platform says so of every dialog and menu; test_workbench_driven.py has a screen.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")

Open = Callable[..., WorkbenchWindow]


@pytest.fixture(scope="module")
def highway() -> Measurements:
    return a_highway(2_000, 60)


@pytest.fixture
def open_workbench(qtbot: QtBot, tmp_path: Path, highway: Measurements) -> Iterator[Open]:
    windows: list[WorkbenchWindow] = []

    def open_one(measurements: Measurements | None = highway, language: str = "en") -> (
        WorkbenchWindow
    ):  # fmt: skip
        window = a_workbench(tmp_path, language)
        windows.append(window)
        window.resize(1024, 600)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow, timeout=5_000)
        if measurements is not None:
            show_measurements(window, measurements)
        return window

    yield open_one
    for window in windows:
        window.close()
        window.deleteLater()
    windows.clear()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    gc.collect()
    assert not QApplication.topLevelWidgets(), "windows left behind"


def the_question(window: WorkbenchWindow) -> Question:
    return next(q for q in window.findChildren(Question) if q.isVisible())


def answer(window: WorkbenchWindow, text: str) -> None:
    question = the_question(window)
    question.findChild(QLineEdit).setText(text)
    question.yes.click()
    QApplication.processEvents()


def choose(table: Table, line: int) -> None:
    """Choose a row as a plain click does; ``selectRow`` goes by keys that a test held before."""
    flags = QItemSelectionModel.SelectionFlag
    index = table.rows.index(line, 0)
    table.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)


# One selection


def test_what_a_chart_marks_is_selected_everywhere(open_workbench: Open) -> None:
    window = open_workbench()
    chart, model = window.charts.rate, window.model
    window.do(Do.AXIS)
    QApplication.processEvents()
    port = chart.view.viewport()
    y = port.height() // 2

    def pixel(km: float) -> QPoint:
        scene = chart.box.mapViewToScene(QPointF(km, 50.0))
        return QPoint(chart.view.mapFromScene(scene).x(), y)

    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=pixel(10.0))
    for km in (12.0, 16.0, 20.0):
        QTest.mouseMove(port, pixel(km))
        QTest.qWait(20)
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, pos=pixel(20.0))
    QTest.qWait(40)
    settle(window)
    tests = model.selected().tests
    assert tests["chainage_m"].min() == pytest.approx(10_000, abs=800)
    assert tests["chainage_m"].max() == pytest.approx(20_000, abs=800)
    assert window.tables.tests.rows.rowCount() == len(tests) == model.tests_count
    shown = window.status.counts.text()
    assert shown.startswith(f"{len(tests)} of 120 tests")
    assert f"Marked by hand · {len(tests)} of 120" in window.chips.texts_shown()[0]
    window.do(Do.CLEAR)
    assert model.tests_count == 120
    assert window.chips.texts_shown() == []


class Paints(QObject):
    """Counts how often a widget is painted."""

    number = 0

    def eventFilter(self, _widget: QObject, event: QEvent) -> bool:
        self.number += event.type() == QEvent.Type.Paint
        return False


def test_a_brush_makes_no_chip_anew_and_paints_rows_once(open_workbench: Open) -> None:
    window = open_workbench()
    first_s = float(window.model.facts.tests.utc_us[0]) / 1e6
    window.charts.rate.brush(first_s, first_s + 300)
    settle(window)
    (chip,) = window.chips._chips
    narrow = chip.width()
    paints, port = Paints(), window.tables.tests.viewport()
    port.installEventFilter(paints)
    window.charts.rate.brush(first_s, first_s + 1_500)
    settle(window)
    port.removeEventFilter(paints)
    assert paints.number == 1
    assert window.chips._chips == [chip]
    assert chip.width() > narrow
    assert chip.body.width() >= chip.body.sizeHint().width()


def test_rows_are_drawn_as_chosen_and_numbers_at_the_right(open_workbench: Open) -> None:
    window = open_workbench()
    table = window.tables.tests
    choose(table, 1)
    settle(window)
    picture = table.viewport().grab().toImage()
    palette = table.palette()
    grounds = [palette.base(), palette.highlight(), palette.base(), palette.alternateBase()]
    for line, ground in enumerate(grounds):
        y = table.rowViewportPosition(line) + 1
        assert picture.pixelColor(2, y) == ground.color(), line
    for title_id, is_number in (("wb_field_operator", False), ("wb_col_mbps", True)):
        number = [column.title_id for column in table.rows.columns].index(title_id)
        room = table.visualRect(table.rows.index(0, number))
        inked = [
            x
            for x in range(room.left(), room.right())
            if any(
                picture.pixelColor(x, y) != palette.base().color()
                for y in range(room.top(), room.bottom())
            )
        ]
        assert inked, title_id
        assert (inked[0] - room.left() > room.right() - inked[-1]) == is_number, title_id


def test_what_the_map_marks_is_selected_and_escape_gives_it_up(open_workbench: Open) -> None:
    window = open_workbench()
    inside = np.zeros(len(window.model.samples) + len(window.model.tests), bool)
    inside[:5] = True
    inside[len(window.model.samples) + 7] = True
    window.map.brushed.emit(inside)
    assert (window.model.samples_count, window.model.tests_count) == (5, 1)
    assert window.model.test_keys(window.model.tests) == ["test-0-000007"]
    window.map.brushed.emit(None)
    assert window.model.tests_count == 120


def test_a_place_that_was_found_is_marked_until_something_is_selected(
    open_workbench: Open,
) -> None:
    window = open_workbench()
    window.map.set_marker(43.4, 76.9)  # as Find does
    window.model.set_brush(Brush(np.arange(120) < 6, np.zeros(4_000, bool)))
    assert window.map._picture.marker is None
    window.map.set_marker(43.4, 76.9)
    window.pane.mark_spot()
    assert window.map._picture.marker is None


def test_table_slider_and_marker_are_at_one_test(open_workbench: Open) -> None:
    window = open_workbench()
    choose(window.tables.tests, 31)
    assert window.model.spot == Spot(True, 31)
    assert window.charts.rate.slider.value() == window.model.facts.tests.utc_us[31] / 1e6
    place = window.model.place_of(Spot(True, 31))
    assert window.map._picture.marker == project_one(*place)
    window.charts.rate.slider.setValue(window.model.facts.tests.utc_us[40] / 1e6 + 3)
    window.charts.rate.slider.sigDragged.emit(window.charts.rate.slider)
    assert window.model.spot == Spot(True, 40)
    assert window.tables.tests.chosen_lines() == [40]
    assert window.map._picture.marker != project_one(*place)
    window.map.clicked.emit(len(window.model.samples) + 3)
    assert window.tables.tests.chosen_lines() == [3]
    window.map.clicked.emit(17)  # a second: the slider goes there, no row of the tests does
    assert window.charts.rate.slider.value() == window.model.facts.samples.utc_us[17] / 1e6
    assert window.tables.tests.chosen_lines() == []


def test_one_key_flips_the_axis_and_arrows_go_from_test_to_test(open_workbench: Open) -> None:
    window = open_workbench()
    window.do(Do.CHART_RATE)
    QTest.keyClick(window.charts.rate, Qt.Key.Key_Right)
    assert window.model.spot == Spot(True, 0)
    QTest.keyClick(window, Qt.Key.Key_X)
    assert window.charts.axis is Axis.ROAD
    assert window.charts.rate.slider.value() == window.model.facts.tests.chainage_m[0] / 1000
    assert window.charts.rate.sentence.text().startswith(f"{HIGHWAY}: ")
    QTest.keyClick(window.charts.rate, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(window.charts.rate, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    chosen = window.model.selected().tests
    assert chosen["test_id"].to_list() == [
        "test-0-000000", "test-0-000001", "test-1-000000", "test-1-000001",
    ]  # fmt: skip


def test_another_survey_lies_at_its_own_kilometres(open_workbench: Open) -> None:
    window = open_workbench()
    window.do(Do.CHART_RATE)
    QTest.keyClick(window, Qt.Key.Key_X)
    further = a_highway(2_000, 60)
    further = dataclasses.replace(
        further, tests=further.tests.with_columns(pl.col("chainage_m") + 10_000)
    )
    for other in (further, a_highway(1_000, 40), nothing(), a_highway(500, 3)):
        show_measurements(window, other)
        km = (other.tests["chainage_m"] / 1000).to_list()
        assert window.charts.rate.along.tests.tolist() == pytest.approx(km, nan_ok=True)


def test_an_empty_survey_keeps_no_verdict_of_the_one_before(open_workbench: Open) -> None:
    window = open_workbench()
    assert window.tables.stretches.rows.rowCount() > 0
    show_measurements(window, dataclasses.replace(nothing(), sources=("empty.fsurvey",)))
    assert window.tables.stretches.rows.rowCount() == 0
    assert window.tables.settlements.rows.rowCount() == 0
    assert window.status.sentence.text() == "Nothing was measured: empty.fsurvey"


def test_a_filter_of_places_cuts_none(open_workbench: Open) -> None:
    """Kilometres, highways and villages say which places are looked at, never which of their tests
    are."""
    window = open_workbench()
    settle(window)
    columns = ["verdict", "tests", "share_above"]
    key = ["highway_ref", "from_m", "operator"]
    before = window.judging.judged
    for filters in (
        Filters(road=RoadRange(HIGHWAY, 14_000, 18_000)),
        Filters(choices={"settlement_id": ("uzynagash",)}),
    ):
        window.model.set_filters(filters)
        settle(window)
        shown = window.judging.judged
        assert set(shown.stretches["from_m"]) == {10_000}
        assert shown.stretches.select(*key, *columns).equals(
            before.stretches.filter(from_m=10_000).select(*key, *columns)
        )
        assert shown.settlements.filter(settlement_id="uzynagash").equals(
            before.settlements.filter(settlement_id="uzynagash")
        )
    assert set(shown.settlements["settlement_id"]) == {"uzynagash"}


def test_a_filter_by_result_makes_no_verdict(open_workbench: Open) -> None:
    window = open_workbench()

    def verdicts() -> list[str]:
        settle(window)
        return window.judging.judged.stretches["verdict"].to_list()

    before, said = verdicts(), window.status.sentence.text()
    assert "below" in before
    window.model.set_filters(Filters(choices={"result": ("above",)}))
    assert verdicts() == before
    shown = window.status.sentence.text()
    assert "no share is told" in shown
    assert shown.split(" · ")[1] == said.split(" · ")[1]


def test_a_stretch_says_its_verdict_and_selects_what_it_rests_on(open_workbench: Open) -> None:
    window = open_workbench()
    window.tables.tabs.setCurrentWidget(window.tables.stretches)
    rows = window.tables.stretches.rows
    line = next(
        n for n in range(rows.rowCount())
        if (rows.row_at(n)["from_m"], rows.row_at(n)["operator"]) == (10_000, "Kcell")
    )  # fmt: skip
    choose(window.tables.stretches, line)
    place, tests = f"{HIGHWAY}, km 10–20 (Kcell)", rows.row_at(line)["tests"]
    said = f"{place}: above 100 Mbps, {tests} tests, 95\u00a0%"
    assert window.status.sentence.text() == said
    assert window.status._sign.outlook is Outlook.ABOVE
    tests = window.model.selected().tests
    assert tests["operator"].unique().to_list() == ["Kcell"]
    assert len(tests) == rows.row_at(line)["tests"]
    south, _west, north, _east = window.map.box()
    assert south < tests["start_latitude_deg"].min() < tests["start_latitude_deg"].max() < north
    settle(window)
    assert window.tables.stretches.chosen_lines() == [line], "a brush judges nothing anew"
    window.model.brush_tests(np.arange(120) < 30)
    assert window.tables.stretches.chosen_lines() == []
    assert window.status.sentence.text().startswith("100\u00a0% of 30 tests"), "not the stretch"


def test_shorter_stretches_are_judged_when_asked_for(open_workbench: Open) -> None:
    window = open_workbench()
    before = window.tables.stretches.rows.rowCount()
    window.tables.length.setCurrentIndex(1)
    settle(window)
    rows = window.tables.stretches.rows
    assert rows.rowCount() > 5 * before
    assert {rows.row_at(n)["verdict"] for n in range(20)} == {"undecided"}
    assert "more test" in rows.text(0, 6)


def test_the_sentence_has_the_room_that_the_counts_do_not_need(open_workbench: Open) -> None:
    window = open_workbench()
    status = window.status
    for width in (500, 1024, 1600):
        window.resize(width, 600)
        settle(window)
        assert status.counts.fits()
        assert status.sentence.geometry().right() < status.counts.geometry().left()
        assert status.rect().contains(status.counts.geometry())
    assert status.sentence.width() > 0.7 * status.width()


def test_where_no_stretch_was_driven_none_is_counted(open_workbench: Open) -> None:
    window = open_workbench()
    show_measurements(window, at_fixed_points())
    assert window.judging.judged is not None
    assert (
        window.status.sentence.text() == "80\u00a0% of 120 tests reach 100 Mbps, 6 without service"
    )


# Honest numbers


def test_a_legend_has_room_for_all_its_words(open_workbench: Open) -> None:
    window = open_workbench()
    legend = window.charts.rate.legend
    heights = set()
    for width in (1600, 1024, 800):
        window.resize(width, 600)
        settle(window)
        assert legend.height() >= legend.heightForWidth(legend.width()), width
        heights.add(legend.height())
    assert len(heights) > 1, "in one row and in more"


def test_a_test_without_service_stands_below_the_axis(open_workbench: Open) -> None:
    window = open_workbench(a_highway(4_000, 90))
    facts, points = window.model.facts, window.charts.rate.cloud()
    silent = np.flatnonzero(facts.tests.fields["result"].is_word("no_service"))
    assert len(silent) == 4
    assert all(points.place(int(row))[1] < 0 for row in silent)
    assert DRAWN[points._ranks[silent[0]]] is Outlook.NO_SERVICE
    with_rate = np.flatnonzero(np.isfinite(facts.rate_bps))
    assert all(points.place(int(row))[1] > 0 for row in with_rate)


def test_fewer_than_five_tests_make_no_statistics(open_workbench: Open) -> None:
    window = open_workbench()
    chosen = np.zeros(120, bool)
    chosen[:4] = True
    window.model.brush_tests(chosen)
    for chart in (window.charts.rate, window.charts.distribution, window.charts.latency):
        window.charts.tabs.setCurrentWidget(chart)
        QApplication.processEvents()
        assert "%" not in chart.sentence.text().replace("\u00a0", " ")
    assert "4 of 5" in window.status.sentence.text()


def test_no_service_is_in_every_distribution(open_workbench: Open) -> None:
    window = open_workbench(a_highway(4_000, 90))
    groups = groups_of(window.model, "operator", "?")
    assert [(group.name, len(group.rates_mbps)) for group in groups] == [
        ("Beeline", 90), ("Kcell", 90),
    ]  # fmt: skip
    for group in groups:
        assert np.isneginf(group.rates_mbps[:2]).all()
        assert group.quantile(0.5) in group.rates_mbps


def test_replayed_drives_are_told_to_be_no_evidence(open_workbench: Open) -> None:
    window = open_workbench(a_highway(300, 10, replayed=True))
    assert window.notice.isVisible()
    assert "no evidence" in window.notice.label.text()
    assert window.model.tests_count == 0
    window.notice.button.click()
    assert window.model.tests_count == 20
    assert "no evidence" in window.notice.label.text()
    settle(window)
    assert window.tables.stretches.rows.rowCount() == 0, "no verdict is made of replays"
    table = window.tables.tests  # it was empty when it was opened
    time = table.fontMetrics().horizontalAdvance(table.rows.text(0, 0))
    assert table.columnWidth(0) > time


def test_what_is_said_of_replays_goes_with_them(
    open_workbench: Open, highway: Measurements
) -> None:
    window = open_workbench(a_highway(300, 10, replayed=True))
    assert window.notice.isVisible()
    show_measurements(window, highway)
    assert not window.notice.isVisible()


# Annotations


def test_leaving_out_asks_why_and_can_be_taken_back(open_workbench: Open) -> None:
    window = open_workbench()
    window.do(Do.EXCLUDE)
    assert "Select measurements first" in window.notice.label.text()
    choose(window.tables.tests, 2)
    window.do(Do.EXCLUDE)
    assert not the_question(window).yes.isEnabled(), "not without a reason"
    answer(window, "engine test in the depot")
    assert window.model.tests_count == 119
    assert window.chips.texts_shown() == ["Left out by hand: not counted · 1"]
    window.do(Do.UNDO)
    assert window.model.tests_count == 120
    window.do(Do.REDO)
    assert window.model.tests_count == 119
    window.chips._chips[0].removed.emit()
    line = window.tables.tests.rows.line_of(2)
    assert window.tables.tests.rows.text(line, 10) == "left out: engine test in the depot"
    assert window.model.tests_count == 119, "seen, and not counted"
    assert window.chips.texts_shown() == ["What was left out is in the table, and not counted"]
    window.model.set_filters(Filters())
    choose(window.tables.tests, 3)
    window.do(Do.EXCLUDE)
    answer(window, "the same")
    window.do(Do.NOTE)
    assert "Select measurements first" in window.notice.label.text(), "it is out of sight"
    assert len(window.model.measurements.tests) == 120


def test_what_was_left_out_is_marked_nowhere_until_it_counts_again(open_workbench: Open) -> None:
    window = open_workbench()
    table, chart = window.tables.tests, window.charts.rate
    choose(table, 31)
    assert chart.slider.isVisible()
    window.do(Do.EXCLUDE)
    answer(window, "engine test in the depot")
    assert window.map._picture.marker is None
    assert not chart.slider.isVisible()
    assert table.chosen_lines() == [], "no key acts on a test that nobody chose"
    window.do(Do.UNDO)
    assert window.map._picture.marker is not None
    assert chart.slider.isVisible()
    assert table.chosen_lines() == [31]


@pytest.mark.parametrize("on", ["table", "chart"])
def test_arrows_go_on_where_a_test_was_left_out(open_workbench: Open, on: str) -> None:
    window = open_workbench()
    window.do(Do.CHART_RATE)
    table = window.tables.tests
    to, forward = (
        (table, Qt.Key.Key_Down) if on == "table" else (window.charts.rate, Qt.Key.Key_Right)
    )
    to.setFocus()
    for left_out in (31, 0):
        choose(table, table.rows.line_of(left_out))
        window.do(Do.EXCLUDE)
        answer(window, "engine test in the depot")
        QTest.keyClick(to, forward)
        assert window.model.spot == Spot(True, left_out + 1)


def test_no_step_outlives_the_window(open_workbench: Open) -> None:
    window = open_workbench()
    choose(window.tables.tests, 31)
    window.do(Do.EXCLUDE)
    answer(window, "engine test in the depot")
    stack = window.editing.annotating.stack
    assert stack.count() == 1
    window.close()
    assert stack.count() == 0, "Python would take steps away from under the stack"


def test_tags_of_several_rows_become_a_filter(open_workbench: Open) -> None:
    window = open_workbench()
    choose(window.tables.tests, 1)
    for _ in range(2):
        QTest.keyClick(window.tables.tests, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert window.model.tests_count == 3
    window.do(Do.RETAG)
    answer(window, "ice, depot, ice")
    window.do(Do.CLEAR)
    window.model.set_filters(Filters(choices={"tag": ("ice",)}))
    assert window.model.test_keys(window.model.tests) == [f"test-0-{n:06d}" for n in (1, 2, 3)]


# Files, views, words


def test_what_cannot_be_opened_is_told_and_what_is_open_stays(
    open_workbench: Open, tmp_path: Path
) -> None:
    window = open_workbench()
    window.open([tmp_path / "nothing.fsurvey"])
    settle(window)
    assert window.notice.isVisible()
    assert "nothing.fsurvey" in window.notice.label.text()
    assert "Traceback" not in window.notice.label.text()
    assert window.model.tests_count == 120


def test_of_several_files_every_broken_one_is_told_and_none_is_offered_again(
    open_workbench: Open, tmp_path: Path
) -> None:
    window = open_workbench(None)
    good = write_long_survey(tmp_path / "good.fsurvey", 1_000)
    broken = [tmp_path / "first.fsurvey", tmp_path / "second.fsurvey"]
    for path in broken:
        path.write_bytes(b"no survey")
    window.open([broken[0], good, broken[1]])
    settle(window)
    told = window.notice.label.text()
    assert "first.fsurvey" in told
    assert "second.fsurvey" in told
    assert window.model.tests_count == 20
    assert window._settings.recent() == [good]
    window.files._export_as(window._look.texts)("csv", tmp_path / "out.csv", ())
    settle(window)
    assert len(pl.read_csv(tmp_path / "out-tests.csv")) == 20, "what is open is exported"


def test_a_drive_that_is_in_two_files_is_exported_once(
    open_workbench: Open, tmp_path: Path
) -> None:
    window = open_workbench(None)
    whole = write_long_survey(tmp_path / "whole.fsurvey", 1_000)
    copy = tmp_path / "copy.fsurvey"
    shutil.copy(whole, copy)
    window.open([copy, whole])
    settle(window)
    assert window.model.samples_count == 1_000
    window.files._export_as(window._look.texts)("csv", tmp_path / "out.csv", ())
    settle(window)
    assert len(pl.read_csv(tmp_path / "out.csv")) == 1_000


def test_a_bug_is_told_in_words(open_workbench: Open, caplog: pytest.LogCaptureFixture) -> None:
    window = open_workbench()

    def broken(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    window.jobs.run("broken", broken, lambda _: None)
    settle(window)
    assert "untouched" in window.notice.label.text()
    assert "on purpose" in caplog.text


def test_a_job_that_is_superseded_or_cancelled_brings_nothing(open_workbench: Open) -> None:
    window = open_workbench()
    brought: list[str] = []

    def patient(_progress: object, cancelled: Callable[[], bool]) -> str:
        while not cancelled():
            pass
        raise KnownError("gui.wb_nothing_marked")

    window.jobs.run("same", patient, brought.append)
    window.jobs.run("same", lambda *_: "second", brought.append)
    settle(window)
    assert brought == ["second"]
    window.notice.hide()
    window.jobs.run("slow", patient, brought.append, label=message("gui.wb_opening", name="x"))
    assert window.status.cancel.isVisible()
    window.status.cancel.click()
    settle(window)
    assert brought == ["second"]
    assert window.notice.isVisible()
    assert not window.status.cancel.isVisible()


def test_a_recent_file_out_of_reach_is_shown_as_missing(
    open_workbench: Open, tmp_path: Path
) -> None:
    out_of_reach = Path("x" * 3_000)  # as a share that is gone: it is not even said to be missing
    Settings(tmp_path / "workbench.ini").opened(out_of_reach)
    window = open_workbench(None)
    (recent,) = [
        button for button in window.welcome.findChildren(QPushButton) if "xxx" in button.text()
    ]
    assert not recent.isEnabled()
    window.menus._fill_recent()
    assert [entry.isEnabled() for entry in window.menus._recent.actions()] == [False]
    assert window.menus.answers("xxx") == []


def test_what_was_opened_may_be_gone_when_it_is_exported(
    open_workbench: Open, tmp_path: Path
) -> None:
    window = open_workbench()
    window.files.paths = (tmp_path / "unplugged.fsurvey",)
    output = tmp_path / "there.csv"
    output.touch()
    window.files._export_as(window._look.texts)("csv", output, ())
    settle(window)
    told = window.notice.label.text()
    assert "unplugged.fsurvey" in told
    assert "inside the program" not in told


def test_views_recent_files_and_looks_are_there_the_next_day(
    open_workbench: Open, tmp_path: Path
) -> None:
    window = open_workbench()
    window.model.set_filters(
        Filters(choices={"operator": ("Kcell",)}, road=RoadRange(HIGHWAY, 0, 10_000))
    )
    window.do(Do.SAVE_VIEW)
    answer(window, "Kcell, first ten")
    window._settings.opened(tmp_path / "gone.fsurvey")
    window.do(Do.NIGHT)
    window.do(Do.LANGUAGE)
    window.close()
    again = open_workbench()
    assert again._look.theme.name == "night"
    assert again._look.texts.language == "kk"
    again.menus._fill_views()
    view = again.menus._views.actions()[0]
    assert view.text() == "Kcell, first ten"
    view.trigger()
    assert again.model.filters.text() == window.model.filters.text()
    again.menus._ask_name("Kcell, first ten")
    answer(again, "Ten")
    again._settings.keep_view("Other", "")
    again.menus._ask_name("Other")
    answer(again, "Ten")
    the_question(again).no.click()
    assert list(again._settings.views()) == ["Ten", "Other"], "none is lost unasked"
    again.menus._ask_removal("Ten")
    the_question(again).yes.click()
    assert list(again._settings.views()) == ["Other"]
    again.menus._fill_recent()
    recent = again.menus._recent.actions()[0]
    assert "gone.fsurvey" in recent.text()
    assert not recent.isEnabled()


def test_rows_are_copied_as_a_table(open_workbench: Open) -> None:
    window = open_workbench()
    window.model.brush_tests(np.arange(120) < 6)
    window.do(Do.COPY)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 7
    assert lines[0].split("\t")[0] == "time (UTC+5)"
    assert lines[1].split("\t")[:3] == ["2026-05-18 14:00:05", f"{HIGHWAY} 0.1 km", "Kcell"]


def test_titles_stand_apart_and_the_last_column_takes_what_is_free(open_workbench: Open) -> None:
    window = open_workbench()
    window.resize(2_400, 800)
    settle(window)
    table = window.tables.tests
    header = table.horizontalHeader()
    assert header.length() == table.viewport().width()
    assert window.tables.stretches.columnWidth(11) < 200, "no number stands alone at the right"
    window.resize(1024, 600)
    settle(window)
    last = len(table.rows.columns) - 1
    notes = window.model.notes
    notes.put(notes.changed(["test-0-000000"], note="x" * 60))
    window.model.notes_changed()
    assert table.columnWidth(last) > 60 * 5, "all of a note is read"
    role = Qt.ItemDataRole.DisplayRole
    for number, column in enumerate(table.rows.columns):
        title = table.rows.headerData(number, Qt.Orientation.Horizontal, role)
        assert title.endswith(BEHIND_NUMBERS) == column.is_number
    assert BEHIND_NUMBERS not in table.rows.as_tsv([0])
    assert "operator" in window.tables.tabs.tabToolTip(1), "what is counted"


def test_a_table_shows_that_keys_go_to_it_before_any_row_is_gone_to(open_workbench: Open) -> None:
    window = open_workbench()
    table = window.tables.tests
    rows = table.viewport().geometry()
    usual = table.frameStyle()
    table.setFocus()
    QApplication.processEvents()
    assert not table.chosen_lines()
    assert table.frameStyle() != usual
    assert table.viewport().geometry() == rows, "nothing moves"
    window.map.setFocus()
    QApplication.processEvents()
    assert table.frameStyle() == usual


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_a_row_further_down_is_cut_off(open_workbench: Open, language: str) -> None:
    table = open_workbench(a_highway(3_000, 90), language).tables.tests
    needed = [table.fontMetrics().horizontalAdvance(table.rows.text(n, 4)) for n in range(180)]
    assert max(needed) > max(needed[:25]), "what has no service comes later"
    assert table.columnWidth(4) >= max(needed) + 30, "with its sign"


@pytest.mark.parametrize("language", LANGUAGES)
def test_promises_and_what_they_lack_are_read_whole(open_workbench: Open, language: str) -> None:
    table = open_workbench(language=language).tables.targets
    assert table.rows.rowCount() > 5
    letters = table.fontMetrics()
    for line in range(table.rows.rowCount()):
        for number, cell in enumerate(table.rows.cells(line)):
            assert table.columnWidth(number) >= letters.horizontalAdvance(cell.text) + 30


def test_down_goes_to_the_first_row_first(open_workbench: Open) -> None:
    window = open_workbench()
    window.map.setFocus()
    table = window.tables.tests
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert window.model.spot == Spot(True, 0)


def test_tables_sort_by_number_and_keep_the_selection(open_workbench: Open) -> None:
    window = open_workbench()
    table = window.tables.tests
    table.sortByColumn(5, Qt.SortOrder.DescendingOrder)
    rates = [table.rows.row_at(line)["compared_bps"] for line in range(120)]
    assert rates == sorted(rates, reverse=True)
    window.model.brush_tests(np.arange(120) % 2 == 0)
    rates = [table.rows.row_at(line)["compared_bps"] for line in range(60)]
    assert rates == sorted(rates, reverse=True)


def test_what_came_from_an_archive_is_exported_from_the_tables(
    open_workbench: Open, tmp_path: Path
) -> None:
    window = open_workbench()
    window.model.brush_tests(np.arange(120) < 9)
    window.files._export_as(window._look.texts)("csv", tmp_path / "out.csv", ())
    settle(window)
    written = pl.read_csv(tmp_path / "out-tests.csv")
    assert written["test_id"].to_list() == [f"test-0-{n:06d}" for n in range(9)]
    assert written["compared_mbps"].to_list() == pytest.approx(
        (window.model.measurements.tests["compared_bps"].head(9) / 1e6).to_list()
    )
    assert len(pl.read_csv(tmp_path / "out.csv")) == 27
    assert "out.csv" in window.notice.label.text()


def test_a_notice_that_was_closed_stays_closed(open_workbench: Open) -> None:
    window = open_workbench()
    window.do(Do.NOTE)
    assert window.notice.isVisible()
    window.do(Do.LANGUAGE)
    assert window.notice.label.text() == window._look.texts.say(message("gui.wb_nothing_marked"))
    window.notice.cross.click()
    for do in (Do.LANGUAGE, Do.NIGHT):
        window.do(do)
        assert not window.notice.isVisible()


def test_an_export_does_not_give_up_the_one_before(open_workbench: Open, tmp_path: Path) -> None:
    window = open_workbench()
    export = window.files._export_as(window._look.texts)
    outputs = [tmp_path / "first.csv", tmp_path / "second.csv"]
    for output in outputs:
        export("csv", output, ())
    settle(window)
    assert [len(pl.read_csv(output)) for output in outputs] == [4_000, 4_000]


# Keys and names


def test_no_two_actions_have_a_key_and_each_has_its_words() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    assert {action.do for action in ACTIONS} == set(Do)
    for action in ACTIONS:
        assert set(catalogue()[f"gui.{action.text_id}"]) == set(LANGUAGES)


def test_who_had_the_keyboard_before_a_search_may_be_gone(open_workbench: Open) -> None:
    window = open_workbench()
    window.model.set_filters(Filters(choices={"operator": ("Kcell",)}))
    window.chips._chips[0].body.setFocus()
    window.do(Do.FIND)
    window.model.set_filters(Filters())  # as files do that are opened meanwhile
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    window.finder.leave()  # by a key it would come from within Qt, and end the program
    assert not window.finder.isVisible()


def test_the_palette_finds_commands_by_their_words(open_workbench: Open) -> None:
    window = open_workbench()
    window.do(Do.PALETTE)
    QTest.keyClicks(window.finder.line, "axis")
    assert [answer.hint for answer in window.finder._answers] == ["X"]
    QTest.keyClick(window.finder.line, Qt.Key.Key_Return)
    assert window.charts.axis is Axis.ROAD
    assert not window.finder.isVisible()


def test_the_last_command_is_reached_in_a_low_window(open_workbench: Open) -> None:
    window = open_workbench()
    window.resize(512, 300)
    QTest.qWait(1)
    window.do(Do.PALETTE)
    finder = window.finder
    for _ in finder._answers:
        QTest.keyClick(finder.line, Qt.Key.Key_Down)
    row = finder.list.visualItemRect(finder.list.currentItem())
    seen = finder.list.viewport().visibleRegion().boundingRect()
    assert finder.list.indexOfTopLevelItem(finder.list.currentItem()) == len(finder._answers) - 1
    assert seen.contains(row), "not below the edge"


def test_the_palette_has_saved_views_and_what_was_open_before(
    open_workbench: Open, tmp_path: Path
) -> None:
    window = open_workbench()
    (tmp_path / "yesterday.fsurvey").touch()
    for name in ("yesterday.fsurvey", "gone.fsurvey"):
        window._settings.opened(tmp_path / name)
    window._settings.keep_view("Kcell alone", "operator=Kcell")
    assert [answer.text for answer in window.menus.answers(".fsurvey")] == ["yesterday.fsurvey"]
    (view,) = window.menus.answers("kcell")
    view.take()
    assert window.model.filters.choices == {"operator": ("Kcell",)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_menus_are_reached_from_the_keyboard(open_workbench: Open, language: str) -> None:
    window = open_workbench(language=language)
    letters = [
        action.text()[action.text().index("&") + 1].casefold()
        for action in window.menuBar().actions()
    ]
    assert len(letters) == len(set(letters)) == 5
    QTest.keyClick(window, Qt.Key.Key_F10)
    menu = window.menuBar().activeAction().menu()
    assert menu.isVisible()
    menu.close()


def test_every_action_can_be_asked_for(open_workbench: Open) -> None:
    window = open_workbench()
    for do in Do:
        if do is Do.QUIT:
            continue
        window.do(do)
        QApplication.processEvents()
        for dialog in window.findChildren(Question):
            dialog.reject()
        for popup in QApplication.topLevelWidgets():
            if popup is not window and popup.isVisible():
                popup.close()
        QApplication.processEvents()
    settle(window)


def test_what_is_not_found_is_said(open_workbench: Open) -> None:
    finder = open_workbench().finder
    finder.open("Where?", lambda _typed: ())
    assert not finder.nothing.isVisible(), "nothing is asked yet"
    QTest.keyClicks(finder.line, "qwzx")
    assert finder.nothing.isVisible()
    assert "qwzx" in finder.nothing.text()
    assert finder.line.accessibleDescription() == finder.nothing.text()
    QApplication.processEvents()
    needed = finder.nothing.heightForWidth(finder.nothing.width())
    assert finder.nothing.height() >= needed, "none of it is cut off"


def test_no_place_is_asked_for_where_there_is_no_map(open_workbench: Open) -> None:
    window = open_workbench(None)
    assert not window.menus.actions[Do.FIND].isEnabled()
