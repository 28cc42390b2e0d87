"""What of the selection is exported, as which format, and where to. Says the counts beforehand.

What was answered is there again when it is opened anew: an export may fail, and another may follow.
"""

import re
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
from fieldsurvey.export.registry import FORMATS, parts
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.dialogs import FilesQuestion, file_dialog, names_a_file
from fieldsurvey.gui.workbench.import_dialog import SUFFIX as SURVEY_SUFFIX

Answer = Callable[[str, Path, tuple[str, ...]], None]
_COLUMNS_HEIGHT = 150  # of the list, in a window of 600
_ANSWERED = "answered_export"  # property of the window: what was offered, format, file, columns
_A_SUFFIX = re.compile(r"\.[A-Za-z]\w*")  # "18.05.2026" ends in none


class ExportDialog(FilesQuestion):
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
        self.yes.setText(texts.tr("wb_do_export").removesuffix("…"))  # nothing more is asked
        self.yes.setAccessibleName(self.yes.text())
        self.finish(520)
        self._suffix = output.suffix
        self.format.currentIndexChanged.connect(self._take_suffix)
        self.browse.clicked.connect(self._browse)
        self.path.textChanged.connect(self._check)
        self.choice.currentIndexChanged.connect(self._show_columns)
        self.columns.itemChanged.connect(self._check)
        self.accepted.connect(self._give)
        self._offered = output.name
        self._take_suffix()
        self._take_answered()

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
        if names_a_file(self.path.text()) and path.suffix in (self._suffix, ""):
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
        self.yes.setEnabled(something and names_a_file(self.path.text()))

    def _browse(self) -> None:
        dialog = file_dialog(self, self.texts, self.texts.tr("wb_export_title"), self.path.text())
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        # Asked for all files of the export at once, once their names are known.
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.fileSelected.connect(self.path.setText)
        dialog.open()

    def _output(self) -> Path:
        """Return the file; with the suffix of its format where it has none, or a survey's."""
        output = Path(self.path.text().strip())
        if _A_SUFFIX.fullmatch(output.suffix) and output.suffix != SURVEY_SUFFIX:
            return output
        return output.with_name(output.name + FORMATS[self.format.currentData()].suffix)

    def written(self) -> list[Path]:
        return [path for path, _part in parts(FORMATS[self.format.currentData()], self._output())]

    def _give(self) -> None:
        name, output = self.format.currentData(), self._output()
        columns = self._chosen() if self._chooses() else []
        self._around.setProperty(_ANSWERED, [self._offered, name, str(output), *columns])
        self._answer(name, output, tuple(columns))

    def _take_answered(self) -> None:
        """Fill in what was answered before, if it was of what is offered now."""
        answered = self._around.property(_ANSWERED)
        if not answered or answered[0] != self._offered:
            return
        _offered, name, output, *columns = answered
        self.format.setCurrentIndex(self.format.findData(name))
        self.path.setText(output)
        if columns:
            self.choice.setCurrentIndex(1)
            for item in map(self.columns.item, range(self.columns.count())):
                chosen = item.text() in columns
                item.setCheckState(Qt.CheckState.Checked if chosen else Qt.CheckState.Unchecked)
