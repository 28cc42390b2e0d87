"""Other tools' logs by hand: chosen, put into a survey, given up, and what was odd in them told."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fieldsurvey.export import delimited
from fieldsurvey.gui.workbench.import_dialog import ImportDialog
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.foreign_logs import (
    GNETTRACK_LOG,
    GNETTRACK_TESTS,
    gnettrack_second,
    gnettrack_test,
    write_log,
)
from tests.support.workbench_data import a_highway
from tests.support.workbench_window import a_workbench, choose_files, settle, show_measurements

# The screenless platform says so of every dialog and menu.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(scope="module")
def window(
    qapp: QApplication, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkbenchWindow]:
    """One window for all: opening it takes longer than what is done with it."""
    window = a_workbench(tmp_path_factory.mktemp("desk"))
    window.resize(1024, 600)
    window.show()
    window.activateWindow()
    show_measurements(window, a_highway(10, 1))  # starts the map's threads
    yield window
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


def choose(window: WorkbenchWindow, *paths: Path) -> ImportDialog:
    """Choose files as a user types them; return what is asked next."""
    window.activateWindow()
    settle(window, window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_I, CTRL)
    choose_files(window, *paths)
    (dialog,) = [one for one in window.findChildren(ImportDialog) if one.isVisible()]
    return dialog


def press(window: WorkbenchWindow, dialog: ImportDialog) -> None:
    """Say yes by mouse and wait for what comes of it."""
    QTest.mouseClick(dialog.yes, Qt.MouseButton.LeftButton)
    settle(window)


def long_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a log that is read in many pieces."""
    monkeypatch.setattr(delimited, "_BLOCK_CHARACTERS", 4_000)
    return write_log(path, GNETTRACK_LOG, [gnettrack_second(second) for second in range(2_500)])


def give_up(window: WorkbenchWindow, after_percent: int) -> None:
    """Press "Cancel" in the status line as soon as it shows more than this."""
    bar, cancel = window.status.bar, window.status.cancel
    deadline = time.monotonic() + 20
    while not (bar.isVisible() and bar.value() > after_percent):
        assert time.monotonic() < deadline, "it does not get on"
        QApplication.processEvents()
    assert "Importing" in window.status.doing.text()
    QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
    settle(window)
    assert not bar.isVisible()


def seconds_in(path: Path) -> int:
    with SurveyFile.open(path, read_only=True) as survey:
        assert survey.check() == []
        return len(list(survey.samples()))


def test_logs_are_chosen_imported_and_opened(window: WorkbenchWindow, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.txt", GNETTRACK_LOG, [gnettrack_second(s) for s in range(60)])
    tests = [gnettrack_test(60 + 60 * n, 135_925, 8_825) for n in range(3)]
    datatest = write_log(tmp_path / "log_datatest.txt", GNETTRACK_TESTS, tests)
    dialog = choose(window, log, datatest)
    assert dialog.survey.text() == str(tmp_path / "log.fsurvey")
    assert dialog.zone.currentText() == "Asia/Almaty"
    dialog.survey.selectAll()
    QTest.keyClicks(dialog.survey, str(tmp_path / "week"))
    QTest.keyClick(dialog.survey, Qt.Key.Key_Return)
    settle(window, lambda: window.model.is_open)
    assert seconds_in(tmp_path / "week.fsurvey") == 63
    assert len(window.model.tests) == 3
    assert window.windowTitle().startswith("week.fsurvey")
    told = window.notice.label.text()
    assert ": tests 3, seconds 63, " in told
    assert "Asia/Almaty" in told
    assert "Not understood" not in told

    press(window, choose(window, log))  # into a survey of its own; then once more
    press(window, choose(window, log))
    assert "already" in window.notice.label.text()
    assert seconds_in(tmp_path / "log.fsurvey") == 60


def test_odd_rows_are_told_in_one_sentence(window: WorkbenchWindow, tmp_path: Path) -> None:
    """A log that a spreadsheet saved without its empty cells: half of its rows have some."""
    rows = [gnettrack_second(s, Node="" if s % 2 else 12) for s in range(40)]
    rows = [[cell for cell in row if cell != ""] for row in rows]
    path = write_log(tmp_path / "saved.txt", GNETTRACK_LOG, rows)
    press(window, choose(window, path))
    told = window.notice.label.text()
    assert told.count("Not understood: 20 rows") == 1
    assert told.count("Rows in which cells are missing: 20") == 1
    assert "as the phone wrote it" in told
    (odd,) = tmp_path.glob("*-import-odd-*")
    assert odd.name in told
    window.resize(512, 300)
    settle(window)
    room = window.notice.label.parentWidget().height()
    assert window.height() / 5 < room < window.height() / 3, "what is longer is scrolled"
    assert window.notice.label.height() > room
    window.resize(1024, 600)
    assert len(odd.read_text("utf-8").splitlines()) == 21, "each is kept"

    none = write_log(tmp_path / "none.txt", GNETTRACK_LOG, rows[1::2])
    press(window, choose(window, none))
    assert "20 rows were not understood" in window.notice.label.text()
    assert "as the phone wrote it" in window.notice.label.text()
    assert not (tmp_path / "none.fsurvey").exists()


def test_what_is_given_up_leaves_nothing_half(
    window: WorkbenchWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = long_log(tmp_path / "long.txt", monkeypatch)
    dialog = choose(window, log)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    settle(window)
    assert list(tmp_path.iterdir()) == [log], "nobody said yes"

    QTest.keyClick(choose(window, log).yes, Qt.Key.Key_Space)
    give_up(window, 0)
    assert "stopped. Nothing of it is in the survey" in window.notice.label.text()
    assert list(tmp_path.iterdir()) == [log]

    short = write_log(
        tmp_path / "short.txt", GNETTRACK_LOG, [gnettrack_second(s) for s in range(9)]
    )
    QTest.keyClick(choose(window, short, log).yes, Qt.Key.Key_Space)
    give_up(window, 50)
    told = window.notice.label.text()
    assert ": tests 0, seconds 9, " in told
    assert "The import of long.txt was stopped. Nothing of it is in the survey." in told
    assert seconds_in(tmp_path / "short.fsurvey") == 9


def test_an_import_does_not_give_up_the_one_before(window: WorkbenchWindow, tmp_path: Path) -> None:
    seconds = [gnettrack_second(second) for second in range(60)]
    logs = [write_log(tmp_path / f"{n}.txt", GNETTRACK_LOG, seconds) for n in range(2)]
    for log in logs:
        window.files._import([log], log.with_suffix(".fsurvey"), "UTC")  # in the same moment
    settle(window)
    assert [seconds_in(log.with_suffix(".fsurvey")) for log in logs] == [60, 60]
