"""From command-line options to a DriveConfig: clock, plan, paths."""

from dataclasses import replace
from pathlib import Path

from fieldsurvey.cli.shell import (
    config_dir,
    default_places_path,
    default_profile_path,
    surveys_dir,
)
from fieldsurvey.drive.config import DriveConfig
from fieldsurvey.drive.plan_file import load_plan
from fieldsurvey.model.clock import Clock, ScaledClock, SystemClock
from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.position import replay_speed


def make_clock(position_uri: str) -> Clock:
    """Return the clock of a drive: a replay at ×10 makes every second of the drive 100 ms."""
    speed = replay_speed(position_uri)
    return SystemClock() if speed is None or speed == 1.0 else ScaledClock(speed)


def make_config(
    *,
    survey_path: Path | None,
    position_uri: str,
    server_url: str | None,
    radio_uri: str,
    plan_path: Path | None,
    places_path: Path | None,
    language: str,
    auto_start: bool,
    resume: bool | None,
    profile_path: Path | None = None,
) -> DriveConfig:
    """Fill in what was not said: plan from the configuration folder, survey named after it."""
    plan = _plan(plan_path)
    if server_url is not None:
        plan = replace(plan, server_url=server_url)
    if not plan.server_url:
        raise KnownError("cli.no_server", plan=config_dir() / "plan.toml")
    if survey_path is None:
        surveys_dir().mkdir(parents=True, exist_ok=True)
        survey_path = surveys_dir() / f"{plan.name}.fsurvey"
    if places_path is None and default_places_path().exists():
        places_path = default_places_path()
    if profile_path is None and default_profile_path().exists():
        profile_path = default_profile_path()
    return DriveConfig(
        survey_path=survey_path.absolute(),
        plan=plan,
        position_uri=position_uri,
        clock=make_clock(position_uri),
        radio_uri=radio_uri,
        places_path=places_path,
        fallback_folder=surveys_dir(),
        language=language,
        auto_start=auto_start,
        resume=resume,
        profile_path=profile_path,
    )


def _plan(path: Path | None) -> SurveyPlan:
    if path is not None:
        return load_plan(path)
    configured = config_dir() / "plan.toml"
    return load_plan(configured) if configured.exists() else SurveyPlan()
