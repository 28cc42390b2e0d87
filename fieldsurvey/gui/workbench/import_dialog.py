"""Where another tool's log goes, and which time its clock showed. Many such logs do not say."""

from collections.abc import Callable, Sequence
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

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.dialogs import Question, file_dialog, names_a_file

SUFFIX = ".fsurvey"
# Kazakhstan's, and UTC; any other IANA name can be typed.
_ZONES = ("Asia/Almaty", "UTC", "Asia/Aqtau", "Asia/Oral", "Asia/Qyzylorda")

Answer = Callable[[Sequence[Path], Path, str | None], None]


class ImportDialog(Question):
    def __init__(
        self,
        parent: QWidget,
        texts: Texts,
        paths: Sequence[Path],
        survey_path: Path,
        answer: Answer,
    ) -> None:
        """``answer`` gets the logs, the survey they go into, and the zone."""
        super().__init__(parent, texts, texts.tr("wb_import_title"))
        said = QLabel(texts.tr("wb_import_said", names=", ".join(path.name for path in paths)))
        said.setWordWrap(True)
        self.survey = QLineEdit(str(survey_path))
        self.survey.setAccessibleName(texts.tr("wb_import_survey"))
        self.browse = QPushButton(texts.tr("wb_browse"))
        self.browse.setAccessibleName(f"{texts.tr('wb_import_survey')}: {self.browse.text()}")
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._browse)
        self.zone = QComboBox()
        self.zone.setEditable(True)
        self.zone.addItems(_ZONES)
        line = QLineEdit()  # has the keyboard, so it is named as well
        self.zone.setLineEdit(line)
        for part in (self.zone, line):
            part.setAccessibleName(texts.tr("wb_import_zone"))
        survey_row = QHBoxLayout()
        survey_row.addWidget(self.survey, 1)
        survey_row.addWidget(self.browse)
        form = QFormLayout()
        # A path needs the whole width: of one that is cut off nobody can tell where it leads.
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        form.addRow(texts.tr("wb_import_survey"), survey_row)
        form.addRow(texts.tr("wb_import_zone"), self.zone)
        self.body.addWidget(said)
        self.body.addLayout(form)
        self.yes.setText(texts.tr("wb_import_yes"))
        self.yes.setAccessibleName(self.yes.text())
        self.finish(520)
        self.survey.textChanged.connect(lambda text: self.yes.setEnabled(names_a_file(text)))
        self.accepted.connect(
            lambda: answer(paths, self._survey_path(), self.zone.currentText().strip() or None)
        )

    def _survey_path(self) -> Path:
        path = Path(self.survey.text().strip())
        return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)

    def _browse(self) -> None:
        dialog = file_dialog(self, self.texts, self.windowTitle(), self.survey.text())
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"{self.texts.tr('wb_survey_files')} (*{SUFFIX})")
        dialog.setDefaultSuffix(SUFFIX)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # what is there is added to
        dialog.fileSelected.connect(self.survey.setText)
        dialog.open()
