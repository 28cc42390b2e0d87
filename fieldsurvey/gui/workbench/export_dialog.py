"""What of the selection is exported, as which format, and where to. Says the counts beforehand."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from fieldsurvey.export.registry import FORMATS
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.dialogs import Question

Answer = Callable[[str, Path], None]


class ExportDialog(Question):
    def __init__(
        self, parent: QWidget, texts: Texts, said: list[str], output: Path, answer: Answer
    ) -> None:
        """``said``: lines on what is exported. ``answer`` gets the format and the file."""
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
        self.body.addLayout(form)
        self.yes.setText(texts.tr("wb_do_export"))
        self.yes.setAccessibleName(texts.tr("wb_do_export"))
        self.finish(520)
        self._suffix = output.suffix
        self.format.currentIndexChanged.connect(self._take_suffix)
        self.browse.clicked.connect(self._browse)
        self.path.textChanged.connect(lambda text: self.yes.setEnabled(bool(text.strip())))
        self.accepted.connect(self._give)
        self._take_suffix()

    def _take_suffix(self) -> None:
        suffix = FORMATS[self.format.currentData()].suffix
        path = Path(self.path.text())
        if path.suffix == self._suffix or not path.suffix:
            self.path.setText(str(path.with_suffix(suffix)))
        self._suffix = suffix

    def _browse(self) -> None:
        dialog = QFileDialog(self, self.texts.tr("wb_export_title"), self.path.text())
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.fileSelected.connect(self.path.setText)
        dialog.open()

    def _give(self) -> None:
        self._answer(self.format.currentData(), Path(self.path.text().strip()))
