"""Where another tool's log goes, and which time its clock showed. Many such logs do not say."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.dialogs import Question

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
        self.zone = QComboBox()
        self.zone.setEditable(True)
        self.zone.addItems(_ZONES)
        self.zone.setAccessibleName(texts.tr("wb_import_zone"))
        form = QFormLayout()
        form.addRow(texts.tr("wb_import_survey"), self.survey)
        form.addRow(texts.tr("wb_import_zone"), self.zone)
        self.body.addWidget(said)
        self.body.addLayout(form)
        self.finish(520)
        self.survey.textChanged.connect(lambda text: self.yes.setEnabled(bool(text.strip())))
        self.accepted.connect(
            lambda: answer(
                paths,
                Path(self.survey.text().strip()),
                self.zone.currentText().strip() or None,
            )
        )
