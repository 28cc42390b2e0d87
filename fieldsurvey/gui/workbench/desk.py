"""What the desk does with files, away from the GUI thread: open, plan, report, import.

Each function here is the work of a job: it gets a progress to tell and asks whether to go on. Heavy
libraries are loaded here, in the worker. Must not import Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fieldsurvey.gui.workbench.facts import Facts, facts_of
from fieldsurvey.model.errors import KnownError

if TYPE_CHECKING:
    from fieldsurvey.analysis.measurements import Measurements
    from fieldsurvey.analysis.targets import JudgedBy
    from fieldsurvey.drive.plan_making import MadePlan
    from fieldsurvey.export.importing import ImportReport
    from fieldsurvey.gui.map_features import MapFeatures
    from fieldsurvey.gui.workbench.planned import Subject
    from fieldsurvey.gui.workbench.reporting import ReportSubject
    from fieldsurvey.gui.workbench_map.place_search import PlaceSearch
    from fieldsurvey.model.messages import Message
    from fieldsurvey.places.places_file import Places
    from fieldsurvey.places.report import ImportReport as PlacesReport
    from fieldsurvey.report.writing import ReportWritten

Progress = Callable[[float], None]
Cancelled = Callable[[], bool]
_FACTS_SHARE = 0.15


@dataclass(frozen=True)
class Opened:
    """``paths``: what was asked for."""

    paths: tuple[Path, ...]
    measurements: Measurements
    facts: Facts


@dataclass(frozen=True)
class KnownPlaces:
    """The places file, as it is asked, drawn and searched."""

    places: Places
    features: MapFeatures
    search: PlaceSearch


def read_target() -> JudgedBy:
    """Return the national target. Raises ``KnownError`` for a damaged target file."""
    from fieldsurvey.analysis.targets import judged_by

    return judged_by()


def open_paths(
    paths: Sequence[Path],
    places: Places | None,
    target_bps: int,
    progress: Progress,
    cancelled: Cancelled,
) -> Opened:
    """Open survey files and archives, up to now. Raises ``KnownError`` where nothing of it can
    be."""
    from fieldsurvey.analysis.as_of import until
    from fieldsurvey.export.opening import open_measurements

    opened = open_measurements(
        paths,
        places=places,
        progress=lambda share: progress(share * (1 - _FACTS_SHARE)),
        cancelled=cancelled,
    )
    measurements = until(opened, time.time_ns() // 1000)
    facts = facts_of(measurements, target_bps)
    progress(1.0)
    return Opened(tuple(paths), measurements, facts)


def read_places(path: Path) -> KnownPlaces:
    """Read the places file. Raises ``KnownError``."""
    from fieldsurvey.gui.map_features import features_of
    from fieldsurvey.gui.workbench_map.place_search import PlaceSearch
    from fieldsurvey.places.places_file import open_places

    places = open_places(path)
    return KnownPlaces(places, features_of(places), PlaceSearch(places))


def import_places(
    paths: Sequence[Path], output: Path, progress: Progress, cancelled: Cancelled
) -> PlacesReport:
    """Make the places file of others, or take one over. Raises ``KnownError`` as
    :func:`import_files` does; then it is as it was."""
    from fieldsurvey.places.places_file import import_files

    return import_files(paths, output, lambda _name, share: progress(share), cancelled)


def report_on(
    subject: ReportSubject,
    output: Path,
    places: Places | None,
    language: str,
    progress: Progress,
    cancelled: Cancelled,
) -> ReportWritten:
    """Write the report on what is selected. Of replayed drives alone it is one for training, and
    says so on every page. Raises ``KnownError`` as :func:`write_report` does."""
    from fieldsurvey.report.subject import Everything, Selection
    from fieldsurvey.report.writing import write_report

    selected, said = subject.measurements(), subject.said()
    evidence = selected.evidence()
    return write_report(
        selected,
        Selection(said) if said else Everything(),
        output,
        places=places,
        language=language,
        now_utc_us=time.time_ns() // 1000,
        trained=evidence.tests.is_empty() and evidence.samples.is_empty(),
        progress=progress,
        cancelled=cancelled,
    )


def save_plan(
    subject: Subject,
    output: Path,
    gpx: Path | None,
    base: Path | None,
    language: str,
    cancelled: Cancelled,
) -> MadePlan:
    """Write the plan of what is selected, with the other entries of the plan ``base``. Raises
    ``KnownError`` where there is nothing to plan, ``base`` is no plan, or it cannot be written."""
    from fieldsurvey.drive.plan_file import load_plan
    from fieldsurvey.drive.plan_making import write_plan
    from fieldsurvey.gui.workbench.planned import plan_of
    from fieldsurvey.model.drive import SurveyPlan

    plan = SurveyPlan() if base is None else load_plan(base)
    made = plan_of(subject, replace(plan, name=output.stem), cancelled)
    write_plan(made, language, output, gpx)
    return made


@dataclass(frozen=True)
class Imported:
    """``reports``: of what is in. ``stopped``: why the rest of the files is not."""

    reports: tuple[ImportReport, ...]
    stopped: Message | None


def import_logs(
    paths: Sequence[Path],
    survey_path: Path,
    zone: str | None,
    progress: Progress,
    cancelled: Cancelled,
) -> Imported:
    """Put other tools' logs into a survey, one after the other, until one cannot be. Raises
    ``KnownError`` if that is the first."""
    from fieldsurvey.export.importing import import_file
    from fieldsurvey.throughput.targets import load_targets

    target = load_targets()[read_target().target_id]

    def told(done: int, share: float) -> None:
        progress((done + share) / len(paths))

    reports: list[ImportReport] = []
    for path in paths:
        tell = partial(told, len(reports))
        try:
            report = import_file(
                path, survey_path, target=target, zone=zone, progress=tell, cancelled=cancelled
            )
        except KnownError as error:
            if not reports:
                raise
            return Imported(tuple(reports), error.message)
        reports.append(report)
    return Imported(tuple(reports), None)
