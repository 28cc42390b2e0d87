"""What of the selection is exported, as which format, and where to. Says the counts beforehand."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QWidget,
)

from fieldsurvey.export.column_choice import FORMATS_WITH_CHOICE, choosable
from fieldsurvey.export.registry import FORMATS
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.dialogs import Question, file_dialog

Answer = Callable[[str, Path, tuple[str, ...]], None]
_COLUMNS_HEIGHT = 150  # of the list, in a window of 600


class ExportDialog(Question):
    def __init__(
        self, parent: QWidget, texts: Texts, said: list[str], output: Path, answer: Answer
    ) -> None:
        """``said``: lines on what is exported. ``answer`` gets the format, the file and the
        columns of the seconds, none of which means all."""
        super().__init__(parent, texts, texts.tr("wb_export_title"))
        self._answer = answer
        for line in said:
            label = QLabel(line)
            label.setWordWrap(True)
            self.body.addWidget(label)
        self.format = QComboBox()
        for name, exporter in FORMATS.items():
            self.format.addItem(f"{name}  ({exporter.suffix})", name)
        self.format.setAccessibleName(texts.tr("wb_export_format"))
        self.path = QLineEdit(str(output))
        self.path.setAccessibleName(texts.tr("wb_export_file"))
        self.browse = QPushButton(texts.tr("wb_browse"))
        self.browse.setAccessibleName(texts.tr("wb_browse"))
        self.browse.setAutoDefault(False)
        file_row = QHBoxLayout()
        file_row.addWidget(self.path, 1)
        file_row.addWidget(self.browse)
        form = QFormLayout()
        form.addRow(texts.tr("wb_export_format"), self.format)
        form.addRow(texts.tr("wb_export_file"), file_row)
        form.addRow(texts.tr("wb_export_columns"), self._made_choice())
        self.body.addLayout(form)
        self.body.addWidget(self.columns)
        self.yes.setText(texts.tr("wb_do_export"))
        self.yes.setAccessibleName(texts.tr("wb_do_export"))
        self.finish(520)
        self._suffix = output.suffix
        self.format.currentIndexChanged.connect(self._take_suffix)
        self.browse.clicked.connect(self._browse)
        self.path.textChanged.connect(self._check)
        self.choice.currentIndexChanged.connect(self._show_columns)
        self.columns.itemChanged.connect(self._check)
        self.accepted.connect(self._give)
        self._take_suffix()

    def _made_choice(self) -> QComboBox:
        """Make the box "all" or "choose", and the list of columns that belongs to the latter."""
        self.choice = QComboBox()
        for title_id in ("wb_columns_all", "wb_columns_choose"):
            self.choice.addItem(self.texts.tr(title_id))
        self.choice.setAccessibleName(self.texts.tr("wb_export_columns"))
        self.columns = QListWidget()
        self.columns.setAccessibleName(self.texts.tr("wb_export_columns"))
        self.columns.setFixedHeight(_COLUMNS_HEIGHT)
        for name in choosable():
            item = QListWidgetItem(name, self.columns)
            item.setCheckState(Qt.CheckState.Checked)
        self.columns.setCurrentRow(0)
        self.columns.hide()
        return self.choice

    def _take_suffix(self) -> None:
        suffix = FORMATS[self.format.currentData()].suffix
        path = Path(self.path.text())
        if path.suffix == self._suffix or not path.suffix:
            self.path.setText(str(path.with_suffix(suffix)))
        self._suffix = suffix
        self.choice.setEnabled(self.format.currentData() in FORMATS_WITH_CHOICE)
        self._show_columns()

    def _show_columns(self) -> None:
        self.columns.setVisible(self._chooses())
        self.adjustSize()
        self._check()

    def _chooses(self) -> bool:
        return self.choice.isEnabled() and self.choice.currentIndex() == 1

    def _chosen(self) -> list[str]:
        items = map(self.columns.item, range(self.columns.count()))
        return [item.text() for item in items if item.checkState() == Qt.CheckState.Checked]

    def _check(self) -> None:
        something = not self._chooses() or bool(self._chosen())
        self.yes.setEnabled(something and bool(self.path.text().strip()))

    def _browse(self) -> None:
        dialog = file_dialog(self, self.texts.tr("wb_export_title"), self.path.text())
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.fileSelected.connect(self.path.setText)
        dialog.open()

    def _give(self) -> None:
        columns = tuple(self._chosen()) if self._chooses() else ()
        self._answer(self.format.currentData(), Path(self.path.text().strip()), columns)
