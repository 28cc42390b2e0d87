"""Where a plan and its route are written, and whose other entries it has. Says what it comes to."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.dialogs import FilesQuestion, file_dialog, names_a_file

SUFFIX = ".toml"
Answer = Callable[[Path, Path | None, Path | None], None]


class PlanDialog(FilesQuestion):
    def __init__(
        self, parent: QWidget, texts: Texts, said: list[str], output: Path, answer: Answer
    ) -> None:
        """``said``: lines on the plan. ``answer`` gets the plan's file, the route's if one is
        wanted, and that of the plan whose other entries are kept."""
        super().__init__(parent, texts, texts.tr("wb_plan_title"))
        self._answer = answer
        for line in said:
            label = QLabel(line)
            label.setWordWrap(True)
            self.body.addWidget(label)
        self.path, self.base = QLineEdit(str(output)), QLineEdit()
        self.base.setPlaceholderText(texts.tr("wb_plan_no_base"))
        self.gpx = QCheckBox(texts.tr("wb_plan_gpx"))
        self.gpx.setAccessibleName(self.gpx.text())
        self.gpx.setChecked(True)
        form = QFormLayout()
        form.addRow(texts.tr("wb_export_file"), self._file_row(self.path, "wb_export_file"))
        form.addRow(self.gpx)
        form.addRow(texts.tr("wb_plan_base"), self._file_row(self.base, "wb_plan_base"))
        self.body.addLayout(form)
        self.yes.setText(texts.tr("wb_do_save_plan").removesuffix("…"))  # nothing more is asked
        self.yes.setAccessibleName(self.yes.text())
        self.finish(520)
        self.path.textChanged.connect(lambda text: self.yes.setEnabled(names_a_file(text)))
        self.accepted.connect(lambda: self._answer(*self._files()))

    def _file_row(self, line: QLineEdit, name_id: str) -> QHBoxLayout:
        texts = self.texts
        line.setAccessibleName(texts.tr(name_id))
        browse = QPushButton(texts.tr("wb_browse"))
        browse.setAccessibleName(f"{texts.tr(name_id)}: {browse.text()}")
        browse.setAutoDefault(False)
        browse.clicked.connect(lambda _checked: self._browse(line))
        row = QHBoxLayout()
        row.addWidget(line, 1)
        row.addWidget(browse)
        return row

    def _browse(self, line: QLineEdit) -> None:
        at = line.text().strip() or str(Path(self.path.text()).parent)
        dialog = file_dialog(self, self.texts, self.windowTitle(), at)
        dialog.setNameFilter(f"{self.texts.tr('wb_plan_files')} (*{SUFFIX})")
        dialog.setDefaultSuffix(SUFFIX)
        if line is self.path:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setOption(
                QFileDialog.Option.DontConfirmOverwrite
            )  # asked for both files at once
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(line.setText)
        dialog.open()

    def _files(self) -> tuple[Path, Path | None, Path | None]:
        output = Path(self.path.text().strip())
        if output.suffix != SUFFIX:  # nothing else is ever replaced, least of all a survey
            output = output.with_name(output.name + SUFFIX)
        base = self.base.text().strip()
        gpx = output.with_suffix(".gpx") if self.gpx.isChecked() else None
        return output, gpx, Path(base) if base else None

    def written(self) -> list[Path]:
        output, gpx, _base = self._files()
        return [output] if gpx is None else [output, gpx]
