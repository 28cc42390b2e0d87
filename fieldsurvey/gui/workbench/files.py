"""Files of the desk: open, import, export, print. Asks, starts the job, tells how it ended."""

from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QMainWindow

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench import desk
from fieldsurvey.gui.workbench.dialogs import ask_yes, file_dialog
from fieldsurvey.gui.workbench.export_dialog import ExportDialog
from fieldsurvey.gui.workbench.import_dialog import SUFFIX, ImportDialog
from fieldsurvey.gui.workbench.jobs import Jobs
from fieldsurvey.gui.workbench.plan_dialog import PlanDialog
from fieldsurvey.gui.workbench.planned import Subject
from fieldsurvey.gui.workbench.reachable import is_there
from fieldsurvey.gui.workbench.reporting import report_subject
from fieldsurvey.gui.workbench.selected_tables import export_selection
from fieldsurvey.gui.workbench.selection import SelectionModel
from fieldsurvey.gui.workbench.settings import Settings
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.places.importing import READERS
from fieldsurvey.places.places_file import SUFFIX as PLACES_SUFFIX
from fieldsurvey.places.places_file import Places
from fieldsurvey.places.report import report_lines
from fieldsurvey.store.never_replaced import refuse_survey

if TYPE_CHECKING:
    from fieldsurvey.drive.plan_making import MadePlan
    from fieldsurvey.report.writing import ReportWritten

_FOLDER = "folder"
_PATTERN = "*"


class Files:
    """Attributes:
    paths: what is open.
    places_path: the places file that is read, and replaced by an import.
    places: what it holds, once it is read.
    target_bps: for tests that name no target.
    """

    def __init__(
        self,
        window: QMainWindow,
        model: SelectionModel,
        jobs: Jobs,
        settings: Settings,
        places_path: Path,
        tell: Callable[[Message], None],
    ) -> None:
        self._window, self._model, self._jobs = window, model, jobs
        self._settings, self._tell = settings, tell
        self.paths: tuple[Path, ...] = ()
        self._opening: tuple[Path, ...] = ()
        self.places_path = places_path
        self.places: Places | None = None
        self.target_bps = 0
        self.on_opened: Callable[[], Message | None] = lambda: None
        self.on_places: Callable[[Message], None] = lambda _told: None

    def _folder(self) -> str:
        return self._settings.word(_FOLDER) or str(Path.home())

    def _keep_folder(self, path: Path) -> None:
        self._settings.keep_word(_FOLDER, str(path.parent))

    # Opening

    def ask_files(self, texts: Texts) -> None:
        dialog = file_dialog(self._window, texts, texts.tr("wb_do_open_files"), self._folder())
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([texts.tr("wb_survey_files") + f" (*{SUFFIX})", f"* ({_PATTERN})"])
        dialog.filesSelected.connect(lambda names: self.open([Path(name) for name in names]))
        dialog.open()

    def ask_folder(self, texts: Texts) -> None:
        dialog = file_dialog(self._window, texts, texts.tr("wb_do_open_folder"), self._folder())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self.open([Path(name)]))
        dialog.open()

    def open(self, paths: Sequence[Path], told: Message | None = None) -> None:
        """Open these instead of what is open. What cannot be opened is told, and the rest is;
        ``told``: what led to it and is to be read with that."""
        places, target_bps = self.places, self.target_bps
        self._opening = tuple(paths)
        self._keep_folder(paths[0])
        self._jobs.run(
            "open",
            lambda progress, cancelled: desk.open_paths(
                paths, places, target_bps, progress, cancelled
            ),
            lambda opened: self._take(opened, told),
            label=message("gui.wb_opening", name=", ".join(path.name for path in paths)),
            failed=self._give_up,
        )

    @property
    def asked(self) -> tuple[Path, ...]:
        """Return what is open, or rather what is being opened instead."""
        return self._opening or self.paths

    def _give_up(self, told: Message) -> None:
        self._opening = ()
        self._tell(told)

    def _take(self, opened: desk.Opened, before: Message | None) -> None:
        self._opening = ()
        failed = opened.measurements.failed
        broken = {told.args.get("path") for told in failed}
        self.paths = tuple(path for path in opened.paths if path not in broken)
        for path in reversed(self.paths):
            self._settings.opened(path)
        self._model.open(opened.measurements, opened.facts)
        said = [before, *failed, *opened.measurements.notes, self.on_opened()]
        if told := [one for one in said if one is not None]:
            self._tell(_together(told))

    # Importing

    def take_dropped(self, paths: list[Path], texts: Texts) -> None:
        """Open what was dropped on the window; other tools' logs are imported first."""
        ours = [path for path in paths if path.is_dir() or path.suffix == SUFFIX]
        if ours:
            self.open(ours)
        elif [path.suffix for path in paths] == [PLACES_SUFFIX]:
            self._ask_to_replace_places(paths, texts)
        elif paths:
            self._ask_where(paths, texts)

    def ask_import(self, texts: Texts) -> None:
        dialog = file_dialog(self._window, texts, texts.tr("wb_do_import"), self._folder())
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(
            lambda names: self._ask_where([Path(name) for name in names], texts)
        )
        dialog.open()

    def _ask_where(self, paths: list[Path], texts: Texts) -> None:
        survey_path = paths[0].with_suffix(SUFFIX)
        ImportDialog(self._window, texts, paths, survey_path, self._import).open()

    def _import(self, paths: Sequence[Path], survey_path: Path, zone: str | None) -> None:
        self._keep_folder(paths[0])
        self._jobs.run(
            None,  # what is being imported already is not given up for it
            lambda progress, cancelled: desk.import_logs(
                paths, survey_path, zone, progress, cancelled
            ),
            lambda imported: self._imported(survey_path, imported),
            label=message("gui.wb_importing", name=", ".join(path.name for path in paths)),
        )

    def _imported(self, survey_path: Path, imported: desk.Imported) -> None:
        reports = imported.reports
        told = message(
            "gui.wb_imported",
            tests=sum(report.tests for report in reports),
            seconds=sum(report.samples for report in reports),
            path=survey_path,
            zone=reports[-1].zone,
        )
        also: list[Message] = []
        odd = [report.odd_path.name for report in reports if report.odd_path is not None]
        if odd:
            count = sum(report.odd for report in reports)
            also.append(message("gui.wb_imported_odd", count=count, names=", ".join(odd)))
        if cells_missing := sum(report.cells_missing for report in reports):
            also.append(message("import.cells_missing", count=cells_missing))
        if imported.stopped is not None:
            also.append(imported.stopped)
        told = _together([told, *also])
        self._tell(told)
        self.open([survey_path], told)

    # Highways and villages

    def ask_places(self, texts: Texts) -> None:
        dialog = file_dialog(self._window, texts, texts.tr("wb_do_places"), self._folder())
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        kinds = " ".join(f"*{suffix}" for suffix in (*READERS, PLACES_SUFFIX))
        dialog.setNameFilters([texts.tr("wb_places_files") + f" ({kinds})", f"* ({_PATTERN})"])
        dialog.filesSelected.connect(
            lambda names: self._ask_to_replace_places([Path(name) for name in names], texts)
        )
        dialog.open()

    def _ask_to_replace_places(self, paths: Sequence[Path], texts: Texts) -> None:
        if is_there(self.places_path):
            question = texts.tr("wb_places_asked", path=str(self.places_path))
            ask_yes(
                self._window, texts, question, texts.tr("wb_replace"),
                lambda: self._import_places(paths),
            )  # fmt: skip
        else:
            self._import_places(paths)

    def _import_places(self, paths: Sequence[Path]) -> None:
        self._keep_folder(paths[0])
        self._jobs.run(
            "import_places",
            lambda progress, cancelled: desk.import_places(
                paths, self.places_path, progress, cancelled
            ),
            lambda report: self.on_places(_together([*report_lines(report)])),
            label=message("gui.wb_importing", name=", ".join(path.name for path in paths)),
        )

    # Exporting

    def ask_export(self, texts: Texts, said: list[str]) -> None:
        name = self.paths[0].stem if self.paths else "selection"
        output = Path(self._folder()) / f"{name}-selection.gpx"
        ExportDialog(self._window, texts, said, output, self._export_as(texts)).open()

    def _export_as(self, texts: Texts) -> Callable[[str, Path, tuple[str, ...]], None]:
        def export(format_name: str, output: Path, columns: tuple[str, ...]) -> None:
            selected, paths = self._model.selected(), self.paths
            self._keep_folder(output)
            self._jobs.run(
                f"export {output}",
                lambda progress, cancelled: export_selection(
                    selected, paths, format_name, output, columns=columns,
                    progress=progress, cancelled=cancelled, language=texts.language,
                ),
                self._exported,
                label=message("gui.wb_exporting", name=output.name),
            )  # fmt: skip

        return export

    def _exported(self, paths: tuple[Path, ...]) -> None:
        written = ", ".join(str(path) for path in paths)
        self._tell(message("gui.wb_exported", path=written))

    # Reporting

    def ask_report(self, texts: Texts) -> None:
        def report(output: Path) -> None:
            subject, places = report_subject(self._model, texts), self.places
            all_results = self._model.is_of_some_results
            self._keep_folder(output)
            self._jobs.run(
                f"report {output}",
                lambda progress, cancelled: desk.report_on(
                    subject, output, places, texts.language, progress, cancelled
                ),
                lambda written: self._reported(written, all_results),
                label=message("gui.wb_reporting", name=output.name),
            )

        self._ask_pdf(texts, texts.tr("wb_do_report"), "-report", report)

    def _reported(self, written: "ReportWritten", all_results: bool) -> None:
        told = [message("gui.wb_reported", path=written.path, tests=written.tests)]
        if all_results:
            told.append(message("gui.wb_report_of_all_results"))
        self._tell(_together(told))

    # Planning

    def ask_plan(self, texts: Texts, subject: Subject, said: list[str]) -> None:
        """Ask where to; ``said``: lines on the plan of ``subject``."""

        def save(output: Path, gpx: Path | None, base: Path | None) -> None:
            self._keep_folder(output)
            self._jobs.run(
                f"save_plan {output}",
                lambda _progress, cancelled: desk.save_plan(
                    subject, output, gpx, base, texts.language, cancelled
                ),
                lambda made: self._plan_saved(made, output, gpx),
                label=message("gui.wb_plan_saving", name=output.name),
            )

        name = self.paths[0].stem if self.paths else "fieldsurvey"
        output = Path(self._folder()) / f"{name}-plan.toml"
        PlanDialog(self._window, texts, said, output, save).open()

    def _plan_saved(self, made: "MadePlan", output: Path, gpx: Path | None) -> None:
        self._tell(
            message(
                "gui.wb_plan_saved",
                path=", ".join(str(path) for path in (output, gpx) if path is not None),
                places=len(made.route.legs),
                tests=sum(leg.lack.planned.tests_needed for leg in made.route.legs),
            )
        )

    # Printing

    def ask_print(self, texts: Texts, print_to: Callable[[Path], None]) -> None:
        self._ask_pdf(texts, texts.tr("wb_do_print"), "", print_to)

    def _ask_pdf(
        self, texts: Texts, title: str, behind: str, write: Callable[[Path], None]
    ) -> None:
        def take(chosen: str) -> None:
            path = Path(chosen)
            try:
                refuse_survey(path)
            except KnownError as error:
                self._tell(error.message)
            else:
                write(path)

        name = self.paths[0].stem if self.paths else "fieldsurvey"
        output = str(Path(self._folder()) / f"{name}{behind}.pdf")
        dialog = file_dialog(self._window, texts, title, output)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("PDF (*.pdf)")
        dialog.setDefaultSuffix("pdf")
        dialog.selectFile(output)
        dialog.fileSelected.connect(take)
        dialog.open()


def _together(several: Sequence[Message]) -> Message:
    """Return all of them as one."""
    return reduce(lambda told, also: message("import.told_also", told=told, also=also), several)
