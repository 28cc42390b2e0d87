"""The figures of a survey as the JSON document and the sentences of the commands have them."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from fieldsurvey.model.planned import PlannedProgress
from fieldsurvey.store.survey_file import SurveyFile


def summary_of(path: Path) -> dict[str, object]:
    """Read the figures of the survey at ``path``; ``km`` has three decimals."""
    summary = SurveyFile.summary_of(path)
    return {
        "survey": str(path),
        "drives": summary.drives,
        "samples": summary.samples,
        "no_service_samples": summary.no_service_samples,
        "tests": summary.tally.tests,
        **asdict(summary.tally),
        "silent": summary.tally.silent,
        "km": round(summary.distance_m / 1000, 3),
        "places": [{"place": label, "tests": tests} for label, tests in summary.places],
    }


def planned_document(progress: Iterable[PlannedProgress]) -> list[dict[str, object]]:
    """Return what a plan names to drive, and how many of the tests needed were made."""
    return [{**asdict(one.planned), "tests_made": one.made} for one in progress]
