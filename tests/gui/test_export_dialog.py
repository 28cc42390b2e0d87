"""The export dialog: all columns or some, by the keyboard, in a window that is not cut off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from fieldsurvey.export.column_choice import choosable
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.dialogs import Question
from fieldsurvey.gui.workbench.export_dialog import ExportDialog
from fieldsurvey.model.messages import LANGUAGES

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")

Answer = tuple[str, Path, tuple[str, ...]]


class Asked:
    def __init__(self, parent: QWidget, language: str) -> None:
        self.answers: list[Answer] = []
        said, output = ["1,234 tests and 56,789 seconds are selected."], Path("a.gpx")
        self.dialog = ExportDialog(
            parent, Texts(language), said, output, lambda *answer: self.answers.append(answer)
        )
        self.dialog.open()

    def take(self, format_name: str, choice: int) -> None:
        self.dialog.format.setCurrentIndex(self.dialog.format.findData(format_name))
        self.dialog.choice.setCurrentIndex(choice)


@pytest.fixture
def parent(qtbot: QtBot) -> Iterator[QWidget]:
    widget = QWidget()
    widget.resize(1024, 600)
    widget.show()
    yield widget
    widget.close()
    widget.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_all_columns_unless_somebody_chooses(parent: QWidget) -> None:
    asked = Asked(parent, "en")
    assert not asked.dialog.choice.isEnabled()  # GPX has elements of its own
    asked.take("csv", 0)
    assert not asked.dialog.columns.isVisible()
    asked.dialog.accept()
    assert asked.answers == [("csv", Path("a.csv"), ())]


def test_columns_are_chosen_with_the_keyboard(parent: QWidget) -> None:
    asked = Asked(parent, "en")
    asked.take("parquet", 1)
    columns = asked.dialog.columns
    assert columns.isVisible()
    columns.setFocus()
    for _ in range(columns.count() - 1):  # all but the last
        QTest.keyClick(columns, Qt.Key.Key_Space)
        QTest.keyClick(columns, Qt.Key.Key_Down)
    assert asked.dialog.yes.isEnabled()
    QTest.keyClick(columns, Qt.Key.Key_Space)
    assert not asked.dialog.yes.isEnabled()  # nothing is no export
    QTest.keyClick(columns, Qt.Key.Key_Space)
    asked.dialog.accept()
    assert asked.answers == [("parquet", Path("a.parquet"), (choosable()[-1],))]


def test_a_choice_is_not_kept_for_a_format_without(parent: QWidget) -> None:
    asked = Asked(parent, "en")
    asked.take("csv", 1)
    asked.take("kml", 1)
    assert not asked.dialog.columns.isVisible()
    asked.dialog.accept()
    assert asked.answers == [("kml", Path("a.kml"), ())]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_fits_into_the_smallest_window(parent: QWidget, language: str) -> None:
    asked = Asked(parent, language)
    asked.take("csv", 1)
    QApplication.processEvents()
    assert asked.dialog.height() <= 560
    assert asked.dialog.width() <= 1004
    assert asked.dialog.columns.accessibleName() == asked.dialog.choice.accessibleName() != ""
    asked.dialog.reject()
    assert asked.answers == []


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("a", "a.csv"),
        ("drive 18.05.2026", "drive 18.05.2026.csv"),
        ("a.txt", "a.txt"),
        ("other.fsurvey", "other.fsurvey.csv"),
    ],
)
def test_a_name_without_a_suffix_gets_that_of_the_format(
    parent: QWidget, tmp_path: Path, typed: str, written: str
) -> None:
    asked = Asked(parent, "en")
    asked.take("csv", 0)
    asked.dialog.path.setText(str(tmp_path / typed))
    asked.dialog.accept()
    assert asked.answers == [("csv", tmp_path / written, ())]


def test_what_is_there_is_replaced_only_when_somebody_says_so(
    parent: QWidget, tmp_path: Path
) -> None:
    (tmp_path / "a-tests.csv").touch()  # the companion is written as well
    asked = Asked(parent, "en")
    asked.take("csv", 0)
    asked.dialog.path.setText(str(tmp_path / "a.csv"))
    asked.dialog.accept()
    assert asked.answers == []
    (question,) = asked.dialog.findChildren(Question)
    assert "a-tests.csv" in question.findChild(QLabel).text()
    question.yes.click()
    assert asked.answers == [("csv", tmp_path / "a.csv", ())]


def test_a_file_that_cannot_be_asked_for_is_left_to_the_writing(parent: QWidget) -> None:
    asked = Asked(parent, "en")
    asked.dialog.path.setText("x" * 3_000)  # as a folder of somebody else's, it raises OSError
    asked.dialog.yes.click()
    assert asked.answers == [("gpx", Path("x" * 3_000 + ".gpx"), ())]


def test_what_was_answered_is_there_again(parent: QWidget, tmp_path: Path) -> None:
    asked = Asked(parent, "en")
    asked.take("parquet", 1)
    last = asked.dialog.columns.item(asked.dialog.columns.count() - 1)
    last.setCheckState(Qt.CheckState.Unchecked)
    asked.dialog.path.setText(str(tmp_path / "full" / "a.parquet"))
    asked.dialog.accept()
    again = Asked(parent, "en")
    again.dialog.accept()
    assert again.answers == asked.answers
    assert len(again.answers[0][2]) == len(choosable()) - 1
