"""The drive window over a scripted drive: what it shows, and that every key does its work."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fieldsurvey.drive.snapshot import Health, Notice
from fieldsurvey.gui import closing
from fieldsurvey.gui.drive_window import DriveWindow
from fieldsurvey.gui.map_features import features_of
from fieldsurvey.gui.map_view import degrees_of
from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.start_stop import Face
from fieldsurvey.model.drive import DriveState
from fieldsurvey.model.messages import message
from fieldsurvey.model.throughput import Cause
from tests.gui.conftest import OpenWindow
from tests.support.gui_fake_drive import (
    DUSK_UTC_US,
    NOON_UTC_US,
    US,
    FakeDrive,
    ObedientDrive,
    a_fix,
    a_test,
    driving,
    idle,
    no_service_test,
    whole_drive,
)
from tests.support.gui_features import OneVillage
from tests.support.gui_scenes import SCENES

STANDING = a_fix(speed_mps=0.0)


def _tap(qtbot: QtBot, window: DriveWindow, key: Qt.Key) -> None:
    qtbot.keyClick(window, key)
    window.look_at_drive()


# What is shown


def test_the_last_result_is_number_word_shape_and_age(open_window: OpenWindow) -> None:
    window = open_window(FakeDrive(driving()))
    verdict = window._left.verdict
    assert verdict.number.text() == "87.3"
    assert verdict.band.text() == "BELOW 100 Mbps"
    assert verdict.band._outlook is Outlook.BELOW
    assert verdict._age.text() == "12 s ago"
    assert "87.3 Mbps. BELOW 100 Mbps" in verdict.accessibleName()
    fitted_px, fits = verdict.number._fitted()
    assert fits
    assert fitted_px >= 96


def test_no_service_is_a_word_and_a_cause_without_any_number(open_window: OpenWindow) -> None:
    window = open_window(FakeDrive(driving(last_test=no_service_test(Cause.DNS))))
    verdict = window._left.verdict
    assert not verdict.number.isVisible()
    assert verdict.band.text() == "NO SERVICE"
    assert "DNS" in verdict.cause.text()
    assert "0" not in verdict.accessibleName()


def test_age_counts_up_while_the_number_stays(open_window: OpenWindow) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    drive.now = replace(drive.now, utc_us=NOON_UTC_US + 33 * US, mono_us=NOON_UTC_US + 33 * US)
    window.look_at_drive()
    assert window._left.verdict._age.text() == "45 s ago"
    assert window._left.verdict.number.text() == "87.3"


def test_age_of_a_result_seen_live_survives_a_clock_that_is_set(open_window: OpenWindow) -> None:
    drive = FakeDrive(driving(last_test=None))
    window = open_window(drive)
    test = a_test(ended_utc_us=NOON_UTC_US + 5 * US)
    jumped = NOON_UTC_US + 3_600 * US
    drive.now = driving(last_test=test, mono_us=NOON_UTC_US + 9 * US, utc_us=jumped)
    window.look_at_drive()
    assert window._left.verdict._age.text() == "4 s ago"


def test_a_running_test_is_told_beside_the_last_result(open_window: OpenWindow) -> None:
    window = open_window(SCENES["night"]())
    assert "Measuring · 1.4 s · 12 MB" in window._left.verdict._running.text()
    assert window._left.verdict.number.text() == "213"


def test_the_strip_keeps_its_order_and_tells_state_in_words(open_window: OpenWindow) -> None:
    window = open_window(SCENES["no_service"]())
    cells = sorted(window._strip.cells.items(), key=lambda item: item[1].x())
    assert [kind.value for kind, _ in cells] == [
        "position", "network", "storage", "queue", "power", "clock",
    ]  # fmt: skip
    names = [cell.accessibleName() for _, cell in cells]
    assert names[1] == "Network: failed, no service: a login page answered instead of the server"
    assert names[0].startswith("Position: needs attention")


def test_a_replay_says_that_it_measures_nothing_here(open_window: OpenWindow) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    assert not window._banner.isVisible()
    drive.now = replace(drive.now, replayed=True)
    window.look_at_drive()
    assert window._banner.isVisible()
    assert window._banner.text() == "Replay — not a measurement of this place"


def test_the_verdict_is_painted_in_its_colour(open_window: OpenWindow) -> None:
    window = open_window(FakeDrive(driving()))
    band = window._left.verdict.band
    inside = band.mapTo(window, QPoint(band.width() - 12, band.height() // 2))
    painted = window.grab().toImage().pixelColor(inside)
    assert painted == QColor(window._look.theme.below)


def test_the_whole_trail_and_all_tests_reach_map_and_chart(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    drive = whole_drive(7_000, 230)
    window = open_window(drive)
    qtbot.waitUntil(lambda: window._trail.count == 7_000, timeout=5_000)
    qtbot.waitUntil(lambda: window._chart.plot is not None, timeout=10_000)
    window.look_at_drive()
    assert len(window._map.tests) == 230
    assert window._chart.plot is not None
    assert len(window._chart.plot._results) == 230


def test_a_result_without_a_number_is_not_drawn_as_zero(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    tests = [no_service_test(), a_test(mbps=140.0)]
    window = open_window(FakeDrive(driving(), tests=tests))
    qtbot.waitUntil(lambda: window._chart.plot is not None, timeout=10_000)
    window._show_chart()
    assert window._chart.plot is not None
    crosses = window._chart.plot._points[Outlook.NO_SERVICE].getData()
    assert len(crosses[0]) == 1
    assert crosses[1][0] > 0


def test_notices_fade_by_themselves_and_stay_in_the_history(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = Notice(3, NOON_UTC_US, Health.OK, message("drive.started"))
    drive = FakeDrive(driving(notices=(notice,)))
    window = open_window(drive)
    assert window._notices.label.text() == message("drive.started").text()
    monkeypatch.setattr("fieldsurvey.gui.notices.SHOWN_MS", -1)
    window.look_at_drive()
    assert window._notices.label.text() == ""
    assert len(window._notices.history) == 1


# Keys


def test_space_starts_and_a_tap_does_not_stop(open_window: OpenWindow, qtbot: QtBot) -> None:
    drive = ObedientDrive(SCENES["ready"]().now)
    window = open_window(drive)
    assert window._left.start_stop.text() == "START"
    _tap(qtbot, window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: drive.asked == ["start"], timeout=1_000)
    window.look_at_drive()
    assert window._left.start_stop.face is Face.STOP
    _tap(qtbot, window, Qt.Key.Key_Space)
    qtbot.wait(1_200)
    assert drive.asked == ["start"]


def test_space_held_for_a_second_stops_once(open_window: OpenWindow, qtbot: QtBot) -> None:
    drive = ObedientDrive(driving())
    window = open_window(drive)
    qtbot.keyPress(window, Qt.Key.Key_Space)
    qtbot.wait(600)
    assert drive.asked == []
    assert window._left.start_stop.progress() > 0.3
    qtbot.waitUntil(lambda: drive.asked == ["stop"], timeout=3_000)
    qtbot.wait(300)  # still held: must neither stop again nor start a new drive
    qtbot.keyRelease(window, Qt.Key.Key_Space)
    window.look_at_drive()
    assert drive.asked == ["stop"]


def test_a_key_that_repeats_is_one_press(open_window: OpenWindow, qtbot: QtBot) -> None:
    """Some keyboards repeat as release and press: held on, they stop one drive and start none."""
    drive = ObedientDrive(driving())
    window = open_window(drive)
    qtbot.keyPress(window, Qt.Key.Key_Space)
    for _ in range(60):
        qtbot.wait(25)
        qtbot.keyRelease(window, Qt.Key.Key_Space)
        qtbot.keyPress(window, Qt.Key.Key_Space)
    qtbot.keyRelease(window, Qt.Key.Key_Space)
    qtbot.wait(200)
    assert drive.asked == ["stop"]


def test_the_mouse_must_hold_too(open_window: OpenWindow, qtbot: QtBot) -> None:
    drive = ObedientDrive(driving())
    window = open_window(drive)
    button = window._left.start_stop
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.wait(1_200)
    assert drive.asked == []
    qtbot.mousePress(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: drive.asked == ["stop"], timeout=3_000)
    qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
    assert drive.asked == ["stop"]


def test_losing_the_keyboard_forgets_the_hold(open_window: OpenWindow, qtbot: QtBot) -> None:
    drive = ObedientDrive(driving())
    window = open_window(drive)
    qtbot.keyPress(window, Qt.Key.Key_Space)
    window._left.start_stop.cancel_hold()  # what the change of the active window calls
    qtbot.wait(1_200)
    assert drive.asked == []


def test_a_click_starts_and_the_button_says_what_is_missing(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    drive = ObedientDrive(idle())
    window = open_window(drive)
    button = window._left.start_stop
    assert button.text() == "Waiting for position"
    assert not button.isEnabled()
    _tap(qtbot, window, Qt.Key.Key_Space)
    qtbot.wait(150)
    assert drive.asked == []
    drive.now = SCENES["ready"]().now
    window.look_at_drive()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: drive.asked == ["start"], timeout=1_000)


def test_there_is_nothing_to_test_or_mark_before_the_start(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    drive = FakeDrive(idle())
    window = open_window(drive)
    _tap(qtbot, window, Qt.Key.Key_T)
    _tap(qtbot, window, Qt.Key.Key_M)
    assert drive.asked == []


@pytest.mark.parametrize(("key", "asked"), [(Qt.Key.Key_T, "test_now"), (Qt.Key.Key_M, "mark")])
def test_test_and_mark(open_window: OpenWindow, qtbot: QtBot, key: Qt.Key, asked: str) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    _tap(qtbot, window, key)
    assert drive.asked == [asked]
    assert window._notices.label.text().endswith("asked for")


def test_colours_go_from_sun_to_day_to_night(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(FakeDrive(driving()))
    seen = []
    for _ in range(3):
        seen.append((window._looks.choice.value, window._look.theme.name))
        _tap(qtbot, window, Qt.Key.Key_N)
    assert seen == [("auto", "day"), ("day", "day"), ("night", "night")]


def test_night_falls_by_itself(open_window: OpenWindow) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    assert window._look.theme.name == "day"
    drive.now = driving(utc_us=DUSK_UTC_US)
    window.look_at_drive()
    assert window._look.theme.name == "night"


def test_the_language_changes_while_it_runs(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(FakeDrive(driving()))
    words = []
    for _ in range(3):
        words.append(window._left.verdict.band.text())
        _tap(qtbot, window, Qt.Key.Key_L)
    assert words == ["BELOW 100 Mbps", "100 Мбит/с ТӨМЕН", "НИЖЕ 100 Мбит/с"]
    assert window._left.verdict.band.text() == words[0]


def test_the_map_zooms_pans_and_follows(open_window: OpenWindow, qtbot: QtBot) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    chart = window._map
    before = chart.view.zoom
    _tap(qtbot, window, Qt.Key.Key_Plus)
    assert chart.view.zoom == before + 0.5
    _tap(qtbot, window, Qt.Key.Key_Minus)
    _tap(qtbot, window, Qt.Key.Key_Minus)
    assert chart.view.zoom == before - 0.5
    assert chart._car is not None
    middle = QPoint(200, 150)
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(chart, middle + QPoint(90, 40))
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=middle + QPoint(90, 40))
    assert not chart.following
    off = chart.view.one_to_screen(*chart._car)
    _tap(qtbot, window, Qt.Key.Key_F)
    assert chart.following
    assert chart.view.one_to_screen(*chart._car) != off
    assert chart.view.one_to_screen(*chart._car) == pytest.approx(
        (chart.width() / 2, chart.height() / 2), abs=1
    )


def test_the_view_moves_on_before_the_car_leaves_it(open_window: OpenWindow) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    chart = window._map
    for step in range(120):
        drive.now = driving(fix=a_fix(43.4 + step * 0.002, 76.95 + step * 0.004))
        window.look_at_drive()
        assert chart._car is not None
        x, y = chart.view.one_to_screen(*chart._car)
        assert 0 < x < chart.width()
        assert 0 < y < chart.height()


def test_no_name_on_the_map_lies_beneath_a_button(open_window: OpenWindow) -> None:
    window = open_window(FakeDrive(driving()))
    chart = window._map
    assert chart._look is not None

    def paints_its_name(x_px: int, y_px: int) -> bool:
        """Whether a village there has letters in the picture, and not its dot alone."""
        place = degrees_of(*chart.view.one_to_world(x_px, y_px))
        pictures = []
        for name in ("Demo village", ""):
            chart.set_features(features_of(OneVillage(name, *place)))
            pictures.append(chart._ground_picture(chart._look).toImage())
        return pictures[0] != pictures[1]

    button = chart.zoom_in.geometry()
    assert paints_its_name(chart.width() // 2, chart.height() // 2)
    for control in (chart.zoom_in, chart.zoom_out):
        beside = control.geometry()
        assert not paints_its_name(beside.left() - 60, beside.center().y())
    assert paints_its_name(button.left() - 200, button.center().y()), "where there is room"
    assert not paints_its_name(chart.width() // 2, 8), "beneath the header"
    chart.following = False
    window.look_at_drive()
    assert not paints_its_name(button.left() - 200, button.center().y()), "beneath “follow”"


def test_f1_shows_the_keys_until_any_key(open_window: OpenWindow, qtbot: QtBot) -> None:
    drive = FakeDrive(driving(fix=STANDING))
    window = open_window(drive)
    _tap(qtbot, window, Qt.Key.Key_F1)
    assert window._sheet.isVisible()
    assert "Space" in window._sheet.accessibleDescription()
    assert window._sheet.hidden_rows() == []
    _tap(qtbot, window, Qt.Key.Key_T)
    assert not window._sheet.isVisible()
    assert drive.asked == []  # the key only closed the sheet


def test_no_sheet_opens_while_moving_and_an_open_one_goes(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    _tap(qtbot, window, Qt.Key.Key_F1)
    assert not window._sheet.isVisible()
    assert window._notices.label.text() == "Not while the car is moving."
    drive.now = driving(fix=STANDING)
    window.look_at_drive()
    _tap(qtbot, window, Qt.Key.Key_H)
    assert window._sheet.isVisible()
    drive.now = driving()
    window.look_at_drive()
    assert not window._sheet.isVisible()


# Questions


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (Qt.Key.Key_Y, "resume True"),
        (Qt.Key.Key_Return, "resume True"),
        (Qt.Key.Key_N, "resume False"),
        (Qt.Key.Key_Escape, "resume False"),
    ],
)
def test_an_unfinished_drive_is_asked_about_in_the_window(
    open_window: OpenWindow, qtbot: QtBot, key: Qt.Key, answer: str
) -> None:
    drive = ObedientDrive(SCENES["resume_question"]().now)
    window = open_window(drive)
    page = window._left.question
    assert page.isVisible()
    assert "35 tests" in page.label.text()
    _tap(qtbot, window, key)
    assert drive.asked == [answer]
    assert not page.isVisible()
    assert window._looks.choice.value == "auto"  # N answered and did nothing else


def test_an_answer_is_given_once_however_long_the_drive_takes(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    drive = FakeDrive(SCENES["resume_question"]().now)
    window = open_window(drive)
    qtbot.mouseClick(window._left.question.yes, Qt.MouseButton.LeftButton)
    for _ in range(3):
        window.look_at_drive()
    assert drive.asked == ["resume True"]
    assert not window._left.question.isVisible()


def test_a_question_waits_while_the_car_moves(open_window: OpenWindow) -> None:
    scene = SCENES["resume_question"]().now
    drive = FakeDrive(replace(scene, fix=a_fix()))
    window = open_window(drive)
    assert not window._left.question.isVisible()
    drive.now = scene
    window.look_at_drive()
    assert window._left.question.isVisible()


def test_ctrl_q_asks_at_standstill_only(open_window: OpenWindow, qtbot: QtBot) -> None:
    drive = FakeDrive(driving(fix=STANDING))
    window = open_window(drive)
    qtbot.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    window.look_at_drive()
    assert window._left.question.isVisible()
    assert "Everything measured is kept" in window._left.question.label.text()
    _tap(qtbot, window, Qt.Key.Key_N)
    assert not window._left.question.isVisible()
    assert not window._closing.has_begun
    drive.now = driving()
    window.look_at_drive()
    qtbot.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.closed, timeout=3_000)
    assert drive.asked == ["close"]


# Leaving


def test_closing_waits_for_the_drive_without_blocking(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    drive = FakeDrive(driving(), close_takes_s=0.7)
    window = open_window(drive)
    window.close()
    assert window.isVisible()
    assert window._left.start_stop.text() == "Storing and closing…"
    assert drive.asked == []
    qtbot.waitUntil(lambda: window.closed, timeout=5_000)
    assert drive.asked == ["close"]
    assert not window.isVisible()


def test_closing_once_more_leaves_when_the_drive_is_closed(open_window: OpenWindow) -> None:
    window = open_window(FakeDrive(driving()))
    window._timer.stop()  # the second time comes before the next look
    window.close()
    window._closing._thread.join()
    window.close()
    assert window.closed
    assert not window.isVisible()


def test_closing_once_more_leaves_a_drive_that_hangs(
    open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "_PATIENCE_S", 0.0)
    window = open_window(FakeDrive(driving(), close_takes_s=1.0))
    window.close()
    assert window.isVisible()
    window.close()
    assert window.closed
    assert not window.isVisible()


def test_space_does_not_press_a_focused_button(open_window: OpenWindow, qtbot: QtBot) -> None:
    drive = FakeDrive(driving())
    window = open_window(drive)
    window._left.mark.setFocus()
    qtbot.keyClick(window._left.mark, Qt.Key.Key_Space)
    assert drive.asked == []
    qtbot.keyClick(window._left.mark, Qt.Key.Key_Return)
    assert drive.asked == ["mark"]


def test_all_buttons_are_reached_by_tab(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(FakeDrive(driving()))
    reached = set()
    for _ in range(20):
        QApplication.sendEvent(window, QEvent(QEvent.Type.None_))
        qtbot.keyClick(window.focusWidget() or window, Qt.Key.Key_Tab)
        if window.focusWidget() is not None:
            reached.add(window.focusWidget().accessibleName())
    assert len(reached) >= 9, reached


def test_a_stopped_drive_can_be_followed_by_another(open_window: OpenWindow, qtbot: QtBot) -> None:
    drive = ObedientDrive(driving(state=DriveState.STOPPED, fix=STANDING))
    window = open_window(drive)
    assert window._left.start_stop.text() == "START A NEW DRIVE"
    _tap(qtbot, window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: drive.asked == ["start"], timeout=1_000)
