"""Survey plans as TOML files that a supervisor can write by hand."""

from dataclasses import fields
from pathlib import Path

import msgspec

from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.model.errors import KnownError


def load_plan(path: Path) -> SurveyPlan:
    """Read a plan; keys are the fields of :class:`SurveyPlan`, missing ones keep their default.

    Raises KnownError ``drive.plan_unreadable`` or ``drive.plan_wrong`` with the reason.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KnownError("drive.plan_unreadable", path=path, reason=error) from error
    try:
        given = msgspec.toml.decode(text)
        unknown = sorted(set(given) - {field.name for field in fields(SurveyPlan)})
        if unknown:
            raise KnownError("drive.plan_unknown_key", path=path, keys=", ".join(unknown))
        return msgspec.convert(given, SurveyPlan, strict=True)
    except msgspec.MsgspecError as error:
        raise KnownError("drive.plan_wrong", path=path, reason=error) from error
