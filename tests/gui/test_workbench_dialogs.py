"""Dialogs of the workbench go when they are done with, however often they are opened."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QWidget,
)

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.actions import Do
from fieldsurvey.gui.workbench.dialogs import Kilometres, Question, ask_road, file_dialog
from fieldsurvey.gui.workbench.export_dialog import ExportDialog
from fieldsurvey.gui.workbench.filters import Filters
from fieldsurvey.gui.workbench.import_dialog import ImportDialog
from fieldsurvey.gui.workbench.plan_dialog import PlanDialog
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from fieldsurvey.model.messages import LANGUAGES
from tests.support.workbench_data import a_highway
from tests.support.workbench_window import a_workbench, settle, show_measurements

# The screenless platform says so of every dialog and menu.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")

Opens = Callable[[WorkbenchWindow], object]
TEXTS = Texts("en")
TIMES = 3


def done_by(do: Do) -> Opens:
    return lambda window: window.do(do)


OPENS: dict[str, Opens] = {
    "files": done_by(Do.OPEN_FILES),
    "folder": done_by(Do.OPEN_FOLDER),
    "import": done_by(Do.IMPORT),
    "places": done_by(Do.PLACES),
    "logs": lambda window: window.files.take_dropped([Path("log.txt")], TEXTS),
    "export": done_by(Do.EXPORT),
    "report": done_by(Do.REPORT),
    "plan": lambda window: window.files.ask_plan(TEXTS, window.planning.subject(), []),
    "print": done_by(Do.PRINT),
    "exclude": done_by(Do.EXCLUDE),
    "note": done_by(Do.NOTE),
    "retag": done_by(Do.RETAG),
    "view": done_by(Do.SAVE_VIEW),
    "time": lambda window: window.chips.time_asked.emit(),
    "road": lambda window: window.chips.road_asked.emit(),
    "help": done_by(Do.HELP),
}
BROWSES = {"logs": 1, "export": 1, "plan": 2}  # how many files it lets one browse for


@pytest.fixture(scope="module")
def window(
    qapp: QApplication, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkbenchWindow]:
    """One window for all: opening it takes longer than what is done with it."""
    window = a_workbench(tmp_path_factory.mktemp("desk"))
    window.resize(1024, 600)
    window.show()
    show_measurements(window, a_highway(10, 2))
    window.model.brush_tests(np.ones(len(window.model.tests), bool))
    yield window
    window.close()
    window.deleteLater()
    let_go()


def let_go() -> None:
    """Do what the event loop does between two events."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


def opened(parent: QWidget) -> QDialog:
    (dialog,) = [one for one in parent.findChildren(QDialog) if one.isVisible()]
    return dialog


def browses_of(dialog: QDialog) -> list[QPushButton]:
    buttons = dialog.findChildren(QPushButton)
    return [button for button in buttons if button.text() == TEXTS.tr("wb_browse")]


def give_up(dialog: QDialog) -> None:
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    let_go()


@pytest.mark.parametrize("name", OPENS)
def test_none_stays_behind_when_it_is_given_up(window: WorkbenchWindow, name: str) -> None:
    before = window.findChildren(QDialog)
    for _ in range(TIMES):
        OPENS[name](window)
        dialog = opened(window)
        browses = browses_of(dialog)
        assert len(browses) == BROWSES.get(name, 0)
        for browse in browses * TIMES:
            browse.click()
            give_up(opened(dialog))
            assert dialog.findChildren(QDialog) == []
        give_up(dialog)
        assert window.findChildren(QDialog) == before


def choose(dialog: QDialog, path: Path) -> None:
    """Choose a file to write as a user types it."""
    assert isinstance(dialog, QFileDialog)
    dialog.findChild(QLineEdit).setText(str(path))
    save = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save)
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)
    let_go()


def test_none_stays_behind_when_it_is_answered(window: WorkbenchWindow, tmp_path: Path) -> None:
    for number in range(TIMES):
        window.do(Do.PRINT)
        choose(opened(window), tmp_path / f"{number}.pdf")
        assert (tmp_path / f"{number}.pdf").stat().st_size > 1_000
        assert window.findChildren(QDialog) == []

    window.do(Do.EXPORT)
    dialog = opened(window)
    assert isinstance(dialog, ExportDialog)
    dialog.format.setCurrentIndex(dialog.format.findData("csv"))
    (browse,) = browses_of(dialog)
    for number in range(TIMES):
        browse.click()
        choose(opened(dialog), tmp_path / f"{number}.csv")
        assert dialog.path.text() == str(tmp_path / f"{number}.csv")
        assert dialog.findChildren(QDialog) == []
    dialog.yes.click()
    settle(window)
    let_go()
    assert (tmp_path / f"{TIMES - 1}.csv").exists()
    assert window.findChildren(QDialog) == []

    window.do(Do.NOTE)
    QTest.keyClicks(opened(window).findChild(QLineEdit), "wet road")
    QTest.keyClick(opened(window), Qt.Key.Key_Return)
    let_go()
    keys = window.editing.keys()
    assert {window.model.notes.of(key).note for key in keys} == {"wet road"}
    assert window.findChildren(QDialog) == []


@pytest.mark.parametrize("do", [Do.PRINT, Do.REPORT])
def test_no_page_replaces_a_survey(window: WorkbenchWindow, tmp_path: Path, do: Do) -> None:
    survey = tmp_path / "week.fsurvey"
    window.do(do)
    choose(opened(window), survey)
    settle(window)
    assert not survey.exists()
    assert str(survey) in window.notice.label.text()


@pytest.mark.parametrize("typed", ["", " ", "/", ".", ".."])
@pytest.mark.parametrize("name", BROWSES)
def test_what_names_no_file_is_not_written_to(
    window: WorkbenchWindow, name: str, typed: str
) -> None:
    OPENS[name](window)
    dialog = opened(window)
    assert isinstance(dialog, ExportDialog | ImportDialog | PlanDialog)
    line = dialog.survey if isinstance(dialog, ImportDialog) else dialog.path
    line.setText(typed)
    if isinstance(dialog, ExportDialog):
        dialog.format.setCurrentIndex(dialog.format.findData("csv"))  # which has another suffix
    assert not dialog.yes.isEnabled()
    line.setText("x")
    assert dialog.yes.isEnabled()
    give_up(dialog)


@pytest.mark.parametrize("typed", ["12.5", "12,5"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_kilometre_may_be_typed_with_point_or_comma(
    window: WorkbenchWindow, language: str, typed: str
) -> None:
    ask_road(window, Texts(language), Filters(), {"KZ38-01": 66_000.0}, lambda _: None)
    question = window.findChildren(Question)[-1]
    box = question.findChildren(Kilometres)[0]
    box.selectAll()
    QTest.keyClicks(box, typed)
    box.interpretText()
    assert box.value() == 12.5
    assert box.text() == Texts(language).number(12.5, 1)
    question.reject()
    let_go()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_dialog_has_all_its_labels_in_our_words(
    window: WorkbenchWindow, language: str
) -> None:
    texts = Texts(language)
    dialog = file_dialog(window, texts, texts.tr("wb_do_open_files"), "")
    assert dialog.labelText(QFileDialog.DialogLabel.LookIn) == texts.tr("wb_look_in")
    assert dialog.labelText(QFileDialog.DialogLabel.FileType) == texts.tr("wb_files_of_type")
    assert "…" not in dialog.windowTitle()
    dialog.reject()
    dialog.deleteLater()
    let_go()
