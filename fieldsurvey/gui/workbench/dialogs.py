"""Small questions: yes or no, a line of text, a span of time, a stretch of highway, a file.

None of them blocks: the window goes on while they are open, and what was answered comes by a call.
None outlives its answer: who opened it must not touch it afterwards.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QDateTime, Qt, QTimeZone
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import (
    QComboBox,
    QDateTimeEdit,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.filters import Filters, RoadRange
from fieldsurvey.gui.workbench.reachable import is_there
from fieldsurvey.gui.workbench.words import CLOCK_S, capitalised

_US_PER_MS = 1000
_ZONE = QTimeZone.fromSecondsAheadOfUtc(CLOCK_S)


class Kilometres(QDoubleSpinBox):
    """Takes point and comma alike: Qt drops the one that is not the language's own, and 12.5 would
    become 125."""

    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        own = self.locale().decimalPoint()
        return super().validate(re.sub("[.,]", own, text), at)


class Question(QDialog):
    """Something to fill in, with "OK" and "Cancel" in our own words."""

    def __init__(self, parent: QWidget, texts: Texts, title: str) -> None:
        super().__init__(parent)
        self._around = parent
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.texts = texts
        self.setLocale(texts.locale)
        self.body = QVBoxLayout(self)
        self.buttons = QDialogButtonBox()
        self.yes = self.buttons.addButton(texts.tr("wb_ok"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.no = self.buttons.addButton(
            texts.tr("wb_cancel"), QDialogButtonBox.ButtonRole.RejectRole
        )
        for button in (self.yes, self.no):
            button.setAccessibleName(button.text())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.yes.setDefault(True)

    def finish(self, width: int = 420) -> None:
        """Add the buttons; everything else is there."""
        self.body.addWidget(self.buttons)
        self.setMinimumWidth(min(width, max(200, self._around.width() - 20)))


class FilesQuestion(Question):
    """A question whose answer is written to files: what is there already is asked about."""

    def written(self) -> Sequence[Path]:
        """Return the files that "OK" would write."""
        raise NotImplementedError

    def accept(self) -> None:
        there = [path.name for path in self.written() if is_there(path)]
        if there:
            ask_to_replace(self, self.texts, ", ".join(there), self._accept_asked)
        else:
            super().accept()

    def _accept_asked(self) -> None:
        # Connected itself, Qt's own slot would come back to the one above.
        super().accept()


def names_a_file(typed: str) -> bool:
    """Return whether what is typed ends in a name: "/" and ".." are folders, and nothing is made of
    them by a suffix."""
    return Path(typed.strip()).name not in ("", "..")


def file_dialog(parent: QWidget, texts: Texts, title: str, at: str) -> QFileDialog:
    """Return a dialog that begins at a folder or file. Left to itself it would stay until its
    parent goes, hidden, and watch the folder."""
    dialog = QFileDialog(parent, title.removesuffix("…"), at)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    # Qt's Russian does not have these two.
    dialog.setLabelText(QFileDialog.DialogLabel.LookIn, texts.tr("wb_look_in"))
    dialog.setLabelText(QFileDialog.DialogLabel.FileType, texts.tr("wb_files_of_type"))
    return dialog


def ask_line(
    parent: QWidget,
    texts: Texts,
    question: str,
    answer: Callable[[str], None],
    *,
    now: str = "",
    may_be_empty: bool = False,
) -> Question:
    """Ask for a line of text; ``answer`` gets it."""
    dialog = Question(parent, texts, texts.tr("title"))
    label = QLabel(question)
    label.setWordWrap(True)
    line = QLineEdit(now)
    line.setAccessibleName(question)
    line.selectAll()
    dialog.body.addWidget(label)
    dialog.body.addWidget(line)
    dialog.finish()

    def check() -> None:
        dialog.yes.setEnabled(may_be_empty or bool(line.text().strip()))

    line.textChanged.connect(check)
    check()
    dialog.accepted.connect(lambda: answer(line.text().strip()))
    dialog.open()
    line.setFocus()
    return dialog


def ask_yes(
    parent: QWidget, texts: Texts, question: str, yes: str, answer: Callable[[], None]
) -> Question:
    """Ask whether to do something that cannot be taken back; ``answer`` is called if so."""
    dialog = Question(parent, texts, texts.tr("title"))
    label = QLabel(question)
    label.setWordWrap(True)
    dialog.body.addWidget(label)
    dialog.yes.setText(yes)
    dialog.yes.setAccessibleName(yes)
    dialog.no.setDefault(True)
    dialog.finish()
    dialog.accepted.connect(answer)
    dialog.open()
    return dialog


def ask_to_replace(
    parent: QWidget, texts: Texts, names: str, answer: Callable[[], None]
) -> Question:
    """Ask whether what is there already is to be replaced; ``answer`` is called if so."""
    question = texts.tr("wb_replace_asked", names=names)
    return ask_yes(parent, texts, question, texts.tr("wb_replace"), answer)


def ask_time(
    parent: QWidget,
    texts: Texts,
    filters: Filters,
    span_utc_us: tuple[int, int],
    answer: Callable[[int, int], None],
) -> Question:
    """Ask for a span by Kazakhstan's clock; ``answer`` gets beginning and end in UTC."""
    dialog = Question(parent, texts, capitalised(texts.tr("wb_field_time")))
    form = QFormLayout()
    edits = []
    wanted = (filters.first_utc_us, filters.end_utc_us)
    for title_id, known, end in zip(
        ("wb_from_time", "wb_to_time"), wanted, span_utc_us, strict=True
    ):
        edit = QDateTimeEdit()
        edit.setTimeZone(_ZONE)
        edit.setDisplayFormat("yyyy-MM-dd HH:mm")
        edit.setCalendarPopup(True)
        edit.setDateTime(_moment(end if known is None else known))
        edit.setAccessibleName(texts.tr(title_id))
        form.addRow(texts.tr(title_id), edit)
        edits.append(edit)
    dialog.body.addLayout(form)
    dialog.finish()
    dialog.accepted.connect(
        lambda: answer(*(edit.dateTime().toMSecsSinceEpoch() * _US_PER_MS for edit in edits))
    )
    dialog.open()
    return dialog


def _moment(utc_us: int) -> QDateTime:
    return QDateTime.fromMSecsSinceEpoch(utc_us // _US_PER_MS, _ZONE)


def ask_road(
    parent: QWidget,
    texts: Texts,
    filters: Filters,
    highways: dict[str, float],
    answer: Callable[[RoadRange], None],
) -> Question:
    """Ask for a stretch; ``highways``: names with the last kilometre measured, in metres."""
    dialog = Question(parent, texts, capitalised(texts.tr("wb_field_road")))
    form = QFormLayout()
    choice = QComboBox()
    choice.addItems(list(highways))
    choice.setAccessibleName(texts.tr("wb_field_highway_ref"))
    low, high = Kilometres(), Kilometres()
    for box, title_id in ((low, "wb_from_km"), (high, "wb_to_km")):
        box.setRange(0, 10_000)
        box.setDecimals(1)
        box.setAccessibleName(texts.tr(title_id))

    def take_highway(name: str) -> None:
        low.setValue(0)
        high.setValue(highways.get(name, 0) / 1000 + 0.1)

    choice.currentTextChanged.connect(take_highway)
    take_highway(choice.currentText())
    if filters.road is not None:
        choice.setCurrentText(filters.road.highway_ref)
        low.setValue(filters.road.from_m / 1000)
        high.setValue(filters.road.to_m / 1000)
    form.addRow(capitalised(texts.tr("wb_field_highway_ref")), choice)
    form.addRow(texts.tr("wb_from_km"), low)
    form.addRow(texts.tr("wb_to_km"), high)
    dialog.body.addLayout(form)
    dialog.finish()

    def take() -> None:
        ends = sorted((low.value() * 1000, high.value() * 1000))
        answer(RoadRange(choice.currentText(), *ends))

    dialog.accepted.connect(take)
    dialog.open()
    return dialog
