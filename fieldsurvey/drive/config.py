"""What a drive is started with; filled in by the composition root."""

from dataclasses import dataclass
from pathlib import Path

from fieldsurvey.model.clock import Clock
from fieldsurvey.model.drive import SurveyPlan


@dataclass(frozen=True, slots=True)
class DriveConfig:
    """``fallback_folder`` takes the survey when its own folder cannot be written.

    ``resume`` answers in advance whether to go on with an unfinished drive older than 10 minutes
    (None: ask). ``auto_start`` starts driving as soon as there is a position, ``stop_at_end``
    stops when a replay ends. ``seed`` makes the random part of start times repeatable.
    ``profile_path``: who this laptop is at HQ, None where it belongs to none.
    """

    survey_path: Path
    plan: SurveyPlan
    position_uri: str
    clock: Clock
    radio_uri: str = "none:"
    places_path: Path | None = None
    targets_path: Path | None = None
    fallback_folder: Path | None = None
    language: str = "en"
    auto_start: bool = False
    stop_at_end: bool = True
    resume: bool | None = None
    seed: int | None = None
    profile_path: Path | None = None
