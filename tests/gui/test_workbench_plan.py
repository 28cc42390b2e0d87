"""The plan in the workbench: what to drive next of what is selected, shown, gone to and saved."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import gpxpy
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from PySide6.QtCore import QEvent, QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from fieldsurvey.cli.main import cli
from fieldsurvey.cli.shell import Shell
from fieldsurvey.drive.plan_file import load_plan
from fieldsurvey.gui.map_view import project_one
from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import DAY, NIGHT
from fieldsurvey.gui.workbench import planning
from fieldsurvey.gui.workbench.actions import Do
from fieldsurvey.gui.workbench.dialogs import Question
from fieldsurvey.gui.workbench.filters import Filters, RoadRange
from fieldsurvey.gui.workbench.plan_columns import PLAN
from fieldsurvey.gui.workbench.plan_dialog import PlanDialog
from fieldsurvey.gui.workbench.planned import Planned, Subject, planned
from fieldsurvey.gui.workbench.selection import Brush
from fieldsurvey.gui.workbench.table import Table
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.verdict import Verdict
from tests.support.plan_road import REF, road_places, write_survey
from tests.support.workbench_window import a_workbench, settle

# The screenless platform says so of every dialog and menu.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")

ABOVE, BELOW = Verdict.ABOVE, Verdict.BELOW


@dataclass(frozen=True)
class Folder:
    """Ten km decided for A, one test on the next ten, an old one on the last four; a replay."""

    surveys: tuple[Path, ...]
    places: Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("plan")
    road_places(path)
    decided = [(100 + 900 * n, ABOVE) for n in range(10)]
    surveys = (
        write_survey(path / "a.fsurvey", [*decided, (12_000, BELOW)], operator="A", driven_m=3_000),
        write_survey(path / "old.fsurvey", [(22_000, ABOVE)], operator="A", days_ago=500),
        write_survey(path / "replay.fsurvey", [(15_000, BELOW)] * 3, replayed=True, operator="A"),
    )
    return Folder(surveys, path / "road.places")


@pytest.fixture(scope="module")
def opened(
    qapp: QApplication, tmp_path_factory: pytest.TempPathFactory, folder: Folder
) -> Iterator[WorkbenchWindow]:
    """One window for all: opening it takes longer than what is done with it."""
    window = a_workbench(
        tmp_path_factory.mktemp("desk"),
        now_utc_us=lambda: time.time_ns() // 1000,
        places_path=folder.places,
    )
    window.resize(1024, 600)
    window.show()
    window.activateWindow()
    window.read_places(lambda: window.open(folder.surveys))
    settle(window, lambda: window.model.is_open and window.isActiveWindow())
    yield window
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


@pytest.fixture
def window(opened: WorkbenchWindow) -> WorkbenchWindow:
    """Return it as it was opened, with the plan on screen and its rows under the keyboard."""
    opened.notice.hide()
    opened.activateWindow()
    opened.do(Do.SELECT_ALL)
    opened.model.set_filters(Filters())
    page = opened.tables.plan
    page.with_settlements.setChecked(False)
    page.take_start(None)
    page.most.setValue(0)
    opened.tables.tabs.setCurrentWidget(page)
    page.table.setFocus()
    settle(opened, page.table.hasFocus)
    return opened


def shown(window: WorkbenchWindow) -> list[tuple[str, str, str]]:
    """Return place, kilometres and reason of each row, without the operator."""
    rows = window.tables.plan.table.rows
    return [tuple(rows.text(line, n) for n in (1, 2, 3)) for line in range(rows.rowCount())]


def choose(table: Table, line: int) -> None:
    flags = QItemSelectionModel.SelectionFlag
    table.selectionModel().setCurrentIndex(
        table.rows.index(line, 0), flags.ClearAndSelect | flags.Rows
    )


def the_question(dialog: PlanDialog) -> Question:
    return next(one for one in dialog.findChildren(Question) if one.isVisible())


UNDECIDED = (REF, "10–20", "not enough data")
STALE = (REF, "20–24", "tests are more than a year old")


def test_the_route_is_that_of_what_is_selected(window: WorkbenchWindow) -> None:
    page = window.tables.plan
    assert shown(window) == [UNDECIDED, STALE], "a replay is no evidence"
    rows = page.table.rows
    assert [rows.row_at(n)["number"] for n in (0, 1)] == [1, 2]
    assert rows.row_at(0)["tests_needed"] > 1
    assert rows.row_at(0)["so_far_m"] == 10_000 * rows.row_at(0)["passes"]
    assert rows.columns[3].sign(rows.row_at(0)) is Outlook.UNDECIDED
    assert page.said.text().startswith("Places: 2, tests: ")
    assert "straight lines" in page.said.toolTip()

    needed = rows.row_at(0)["tests_needed"]
    window.model.set_filters(Filters(replayed=True))
    settle(window)
    assert rows.row_at(0)["tests_needed"] == needed, "nor is it one when it is shown"
    assert "no evidence" in page.said.text()

    window.model.set_filters(Filters(road=RoadRange(REF, 21_000, 24_000)))
    settle(window)
    assert shown(window) == [STALE], "what nobody asked about is not planned"
    window.model.set_filters(Filters(road=RoadRange(REF, 0, 9_000)))
    settle(window)
    assert shown(window) == []
    assert "nothing needs to be driven" in page.said.text()


def test_what_was_filtered_away_is_not_said_to_be_not_driven(window: WorkbenchWindow) -> None:
    newest = int(window.model.facts.tests.utc_us.max())
    window.model.set_filters(Filters(first_utc_us=newest + 1))
    settle(window)
    assert {why for _, _, why in shown(window)} == {"driven, but filtered out"}


def test_a_brush_says_which_places_are_meant_and_judges_none(window: WorkbenchWindow) -> None:
    at_12_km = window.model.facts.tests.chainage_m == 12_000
    window.model.brush_tests(at_12_km)
    settle(window)
    assert shown(window) == [UNDECIDED]
    window.do(Do.CLEAR)
    settle(window)
    assert shown(window) == [UNDECIDED, STALE]


def test_a_marked_test_means_no_stretch_that_it_ran_on_into(window: WorkbenchWindow) -> None:
    asked = window.planning.subject()
    beyond = asked.measurements.samples.with_columns(chainage_m=pl.lit(12_000.0))
    asked = replace(asked, measurements=replace(asked.measurements, samples=beyond))
    brush = Brush(window.model.facts.tests.chainage_m == 8_200, np.arange(len(beyond)) < 2)
    legs = planned(replace(asked, brush=brush), lambda: False).legs
    assert legs["from_m"].to_list() == [10_000], "seconds that were marked mean their place"
    with pytest.raises(KnownError) as caught:
        planned(replace(asked, brush=replace(brush, of_tests=True)), lambda: False)
    assert caught.value.message.id == "plan.nothing_lacking"


def test_a_row_goes_to_its_stretch_and_the_plan_stays(window: WorkbenchWindow) -> None:
    choose(window.tables.plan.table, 1)
    settle(window)
    assert window.model.selected().tests["chainage_m"].to_list() == [22_000]
    south, _west, north, _east = window.map.box()
    assert 43.17 < south < 43.18 < 43.21 < north < 43.23
    assert shown(window) == [UNDECIDED, STALE]
    assert window.tables.plan.table.chosen_lines() == [1]
    window.do(Do.CLEAR)
    settle(window)
    assert window.tables.plan.table.chosen_lines() == []
    assert shown(window) == [UNDECIDED, STALE]


def test_the_route_is_told_in_its_order_while_its_table_is_seen(window: WorkbenchWindow) -> None:
    told: list[object] = []
    window.planning.on_route = told.append
    window.model.set_filters(Filters(choices={"highway_ref": (REF,)}))
    settle(window)
    made = window.planning._plan.made
    assert made is not None
    assert told[-1] == [leg.points for leg in made.route.legs] != []
    window.tables.tabs.setCurrentIndex(0)
    assert told[-1] == []


def test_it_is_planned_only_while_it_is_seen(window: WorkbenchWindow) -> None:
    window.tables.tabs.setCurrentWidget(window.tables.tests)
    window.model.set_filters(Filters(road=RoadRange(REF, 21_000, 24_000)))
    settle(window)
    assert len(shown(window)) == 2, "as it was when it was last seen"
    window.tables.tabs.setCurrentWidget(window.tables.plan)
    settle(window)
    assert shown(window) == [STALE]

    window.tables.tabs.setCurrentWidget(window.tables.targets)
    window.tables.targets.setFocus()
    QTest.keyClick(window.tables.targets, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert window.tables.plan.table.hasFocus(), "its rows are reached with the keyboard"


def test_settlements_are_planned_when_asked_for(window: WorkbenchWindow) -> None:
    window.tables.plan.with_settlements.click()
    settle(window)
    assert ("Шелек", "–", "not driven yet") in shown(window)
    choose(window.tables.plan.table, [place for place, _, _ in shown(window)].index("Шелек"))
    assert window.model.tests_count == 0
    south, _west, north, _east = window.map.box()
    assert south < 43.063 < north
    for field, word in (("settlement_id", "s1"), ("highway_ref", REF)):
        window.model.set_filters(Filters(choices={field: (word,)}))
        settle(window)
        places = {place for place, _, _ in shown(window)}
        assert places == ({"Шелек"} if word == "s1" else {REF})


def test_what_lies_in_no_settlement_or_on_no_highway_may_be_asked_for(
    window: WorkbenchWindow,
) -> None:
    window.model.set_filters(Filters(choices={"settlement_id": ("",)}))
    settle(window)
    assert window.model.tests_count == 12
    assert shown(window) == [UNDECIDED, STALE]
    window.tables.plan.with_settlements.click()
    settle(window)
    assert shown(window) == [UNDECIDED, STALE]
    for field, words in (("settlement_id", ("", "s1")), ("highway_ref", ("", REF))):
        window.model.set_filters(Filters(choices={field: words}))
        settle(window)
        assert {place for place, _, _ in shown(window)} == {REF, "Шелек"}
    window.model.set_filters(Filters(choices={"highway_ref": ("",)}))
    settle(window)
    assert {place for place, _, _ in shown(window)} == {"Шелек"}


def test_a_village_is_planned_only_on_the_kilometres_asked_for(window: WorkbenchWindow) -> None:
    subject = replace(window.planning.subject(), settlements=True)
    tables = subject.measurements
    at_7_km = pl.when(pl.col("chainage_m").is_between(6_000, 8_000)).then(pl.lit("s1"))
    village = tables.tests.with_columns(settlement_id=at_7_km.cast(pl.Categorical()))
    subject = replace(subject, measurements=replace(tables, tests=village))

    def places(from_m: float, to_m: float, word: str = "s1") -> list[str]:
        choices = {"settlement_id": (word,)} if word else {}
        filters = Filters(choices=choices, road=RoadRange(REF, from_m, to_m))
        return planned(replace(subject, filters=filters), lambda: False).legs["place"].to_list()

    assert places(6_000, 7_000) == ["Шелек"]
    with pytest.raises(KnownError):
        places(11_000, 13_000)
    assert places(14_000, 15_000, "") == [REF], "of a stretch any part may be asked for"


def test_a_long_plan_is_seen_and_can_be_given_up(
    window: WorkbenchWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(window)
    before = shown(window)

    def held(subject: Subject, cancelled: Callable[[], bool]) -> Planned:
        ends_s = time.monotonic() + 20
        while not cancelled() and time.monotonic() < ends_s:
            time.sleep(0.01)
        return planned(subject, cancelled)

    page, status = window.tables.plan, window.status
    with monkeypatch.context() as patched:
        patched.setattr(planning, "planned", held)
        page.with_settlements.click()
        assert status.cancel.isVisible()
        assert "Planning" in status.doing.text()
        assert status.bar.maximum() == 0, "nobody knows how far it is"
        status.cancel.click()
        settle(window)
    assert not status.cancel.isVisible()
    assert "cancelled" in page.said.text()
    assert shown(window) == []
    page.with_settlements.click()
    settle(window)
    assert shown(window) == before


def test_a_long_plan_that_is_asked_otherwise_is_seen_no_more(window: WorkbenchWindow) -> None:
    settle(window)
    page, status = window.tables.plan, window.status
    page.with_settlements.click()
    assert status.cancel.isVisible()
    page.with_settlements.click()  # highways alone take no time worth a word
    assert not status.cancel.isVisible()
    settle(window)
    assert not status.cancel.isVisible()


def test_the_route_begins_where_the_car_starts(window: WorkbenchWindow) -> None:
    page, finder = window.tables.plan, window.finder
    assert page.start.text() == "Start: not given"
    page.start.setFocus()
    QTest.keyClick(page.start, Qt.Key.Key_Space)
    QTest.keyClicks(finder.line, REF)
    assert finder.list.topLevelItemCount() == 0, "a whole highway is no place to start from"
    QTest.keyClicks(finder.line, " 23.5")
    QTest.keyClick(finder.line, Qt.Key.Key_Return)
    settle(window)
    assert page.start.text() == f"Start: {REF}, km 23.5"
    assert shown(window) == [STALE, UNDECIDED], "the end of the highway is near"

    window.map.show_box(43.0, 76.9, 43.1, 77.1)
    page.start.click()
    QTest.keyClick(finder.line, Qt.Key.Key_Return)
    settle(window)
    latitude_deg, longitude_deg = page.start_point
    assert (latitude_deg, longitude_deg) == pytest.approx((43.05, 77.0), abs=0.001)
    assert page.start.toolTip() == f"Start: {latitude_deg:.5f}° N, {longitude_deg:.5f}° E"
    assert shown(window) == [UNDECIDED, STALE]
    page.start.click()
    QTest.keyClick(finder.line, Qt.Key.Key_Down)
    QTest.keyClick(finder.line, Qt.Key.Key_Return)
    assert page.start_point is None


def test_the_start_is_marked_on_the_map_until_it_is_taken_away(window: WorkbenchWindow) -> None:
    map_, finder, page = window.map, window.finder, window.tables.plan
    map_.show_box(43.0, 76.9, 43.1, 77.1)

    def colour_of_spot() -> str:
        settle(window, lambda: not map_._picture.is_busy)
        x, y = map_.view.one_to_screen(*project_one(43.04, 77.05))
        return map_.grab().toImage().pixelColor(round(x), round(y)).name()

    assert colour_of_spot() == DAY.map_ground
    map_.show_box(42.99, 76.95, 43.09, 77.15)
    page.start.click()
    QTest.keyClick(finder.line, Qt.Key.Key_Return)
    assert page.start_point == pytest.approx((43.04, 77.05), abs=0.001)
    map_.show_box(43.0, 76.9, 43.1, 77.1)
    assert colour_of_spot() == DAY.ink
    window.do(Do.NIGHT)
    assert colour_of_spot() == NIGHT.ink
    window.do(Do.NIGHT)
    page.start.click()
    QTest.keyClick(finder.line, Qt.Key.Key_Down)
    QTest.keyClick(finder.line, Qt.Key.Key_Return)
    assert page.start_point is None
    assert colour_of_spot() == DAY.map_ground


def test_no_more_than_the_kilometres_allowed(window: WorkbenchWindow) -> None:
    page = window.tables.plan
    assert page.most.text() == "any length"
    page.most.selectAll()
    QTest.keyClicks(page.most, "12")
    settle(window)
    assert page.most.text() == "at most 12 km"
    assert len(shown(window)) == 1
    assert page.said.text().endswith("did not fit into the kilometres allowed: 1.")
    page.most.setValue(1)
    settle(window)
    assert shown(window) == []
    assert "within 1 km" in page.said.text()


def test_a_row_says_whose_tests_it_lacks() -> None:
    texts, column = Texts("en"), PLAN[4]
    a, b, unknown = ({"name": name, "tests": 5} for name in ("A", "B", None))
    assert column.text(texts, {"operators": [a]}) == "A"
    assert column.text(texts, {"operators": [a, b, unknown]}) == "A, B, not known"
    assert column.text(texts, {"operators": [{**b, "tests": 6}, a]}) == "B 6, A 5"
    assert column.text(texts, {"operators": []}) == ""


def test_the_plan_saved_is_that_of_the_command_line(
    window: WorkbenchWindow, folder: Folder, tmp_path: Path
) -> None:
    base = tmp_path / "base.toml"
    base.write_text('server_url = "https://m.example"\nminimum_gap_s = 5\n', "utf-8")
    (tmp_path / "next.gpx").write_text("old", "utf-8")
    window.model.set_filters(Filters(choices={"operator": ("A",)}))
    page = window.tables.plan
    page.start.click()
    QTest.keyClicks(window.finder.line, "shelek")
    QTest.keyClick(window.finder.line, Qt.Key.Key_Return)
    page.with_settlements.click()
    page.most.setValue(15)
    settle(window)
    latitude_deg, longitude_deg = page.start_point
    QTest.keyClick(
        window,
        Qt.Key.Key_S,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    settle(window)
    dialog = window.findChild(PlanDialog)
    said = [label.text() for label in dialog.findChildren(QLabel)]
    assert "Start: Шелек; at most 15 km" in said
    dialog.path.setText(str(tmp_path / "next"))
    dialog.base.setText(str(base))
    dialog.yes.click()
    the_question(dialog).no.click()
    assert (tmp_path / "next.gpx").read_text("utf-8") == "old"
    assert dialog.isVisible(), "nothing is lost by saying no"
    dialog.yes.click()
    the_question(dialog).yes.click()
    settle(window)
    assert "next.toml" in window.notice.label.text()

    plan = load_plan(tmp_path / "next.toml")
    assert (plan.server_url, plan.operator) == ("https://m.example", "A")
    assert [(one.from_m, one.tests_needed > 0) for one in plan.stretches] == [(10_000, True)]
    assert [one.settlement_id for one in plan.settlements] == ["s1"]
    assert len(gpxpy.parse((tmp_path / "next.gpx").read_text("utf-8")).waypoints) == 2

    typed = tmp_path / "typed"
    typed.mkdir()
    shell = Shell(lambda _: 0, lambda: False, lambda: None, language="en")
    words = ["plan", "make", *map(str, folder.surveys), "--places", str(folder.places)]
    words += ["--operator", "A", "--base", str(base), "--settlements", "--max-km", "15"]
    words += ["--from", f"{latitude_deg},{longitude_deg}"]
    words += ["-o", str(typed / "next.toml"), "--gpx", str(typed / "next.gpx")]
    done = CliRunner().invoke(cli, words, obj=shell)
    assert done.exit_code == 0, done.stderr
    for name in ("next.toml", "next.gpx"):
        assert (typed / name).read_bytes() == (tmp_path / name).read_bytes()


def test_nothing_to_plan_is_told_and_nothing_asked(window: WorkbenchWindow) -> None:
    window.model.set_filters(Filters(road=RoadRange(REF, 0, 9_000)))
    window.do(Do.SAVE_PLAN)
    settle(window)
    assert "nothing needs to be driven" in window.notice.label.text()
    assert not [one for one in window.findChildren(PlanDialog) if one.isVisible()]


def test_what_a_plan_comes_to_has_the_decimal_sign_of_the_language(window: WorkbenchWindow) -> None:
    for language in ("kk", "ru", "en"):  # English again for the others
        window.do(Do.LANGUAGE)
        settle(window)
        window.do(Do.SAVE_PLAN)
        settle(window)
        (dialog,) = (one for one in window.findChildren(PlanDialog) if one.isVisible())
        said = " ".join(label.text() for label in dialog.findChildren(QLabel))
        dialog.reject()
        hours = window.tables.plan.said.text()
        assert window._look.texts.language == language
        assert re.findall(r"\d[.,]\d", said) == re.findall(r"\d[.,]\d", hours) != []


def test_crews_are_told_by_day(window: WorkbenchWindow) -> None:
    window.tables.tabs.setCurrentWidget(window.tables.crews)
    settle(window)
    table = window.tables.crews.table
    rows = [[table.rows.text(line, n) for n in range(1, 5)] for line in range(2)]
    assert table.rows.rowCount() == 2, "a replay is nobody's progress"
    assert rows == [["a.fsurvey", "3", "11", "1"], ["old.fsurvey", "0", "1", "0"]]
    assert table.rows.text(0, 0) > table.rows.text(1, 0), "the newest day first"
    window.model.brush_tests(np.zeros(len(window.model.tests), bool))
    settle(window)
    assert table.rows.rowCount() == 0
