"""Survey plans as TOML files, made by `plan make` or written by hand."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import msgspec

from fieldsurvey.model.drive import PlannedLink, PlannedSettlement, PlannedStretch, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.planned import stretch_name
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.tls import client_context

LEAST_PACE_RATIO = 1.2  # a slower sender could not show that a place is above its target
_TABLES = {"links": PlannedLink, "stretches": PlannedStretch, "settlements": PlannedSettlement}


def load_plan(path: Path) -> SurveyPlan:
    """Read a plan; keys are the fields of :class:`SurveyPlan`, missing ones keep their default.

    Links, stretches and settlements are tables, ``[[links]]``. A key that is not known is refused,
    so that an older program does not drive half a plan. Raises KnownError
    ``drive.plan_unreadable``, ``drive.plan_unknown_key``, ``drive.plan_wrong`` with the reason,
    and those of :func:`check_plan`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KnownError("drive.plan_unreadable", path=path, reason=error) from error
    try:
        given = msgspec.toml.decode(text)
        unknown = _unknown_keys(given)
        if unknown:
            raise KnownError("drive.plan_unknown_key", path=path, keys=", ".join(unknown))
        plan = msgspec.convert(given, SurveyPlan, strict=True)
    except msgspec.MsgspecError as error:
        raise KnownError("drive.plan_wrong", path=path, reason=error) from error
    check_plan(plan)
    return plan


def plan_text(plan: SurveyPlan, heading: Sequence[str]) -> str:
    """Return a plan as :func:`load_plan` reads it, with ``heading`` as comments above. What is as
    it is by default is left out, as people do."""
    usual = SurveyPlan()
    given = {
        field.name: value
        for field in fields(plan)
        if (value := getattr(plan, field.name)) != getattr(usual, field.name)
    }
    if off := [name for name, value in given.items() if value is None]:
        raise ValueError(f"TOML has no word for switched off: {off}")
    comments = "".join(f"# {line}\n" for text in heading for line in text.splitlines())
    return f"{comments}\n{msgspec.toml.encode(given).decode()}"


def check_plan(plan: SurveyPlan) -> None:
    """Refuse what cannot be meant.

    Raises KnownError ``drive.plan_link_twice``, ``drive.plan_interface_twice``,
    ``drive.plan_same_server``, ``drive.plan_pace_ratio``, ``drive.plan_bad_ca``,
    ``link.bad_server_url``, ``plan.bad_stretch``, ``plan.stretches_overlap``,
    ``plan.bad_settlement``, ``plan.settlement_twice``.
    """
    if (name := _twice(link.name for link in plan.links)) is not None:
        raise KnownError("drive.plan_link_twice", link=name)
    if (interface := _twice(link.interface for link in plan.links)) is not None:
        raise KnownError("drive.plan_interface_twice", interface=interface)
    if plan.confirm_server_url:
        _check_second_server(plan.confirm_server_url, plan.server_url)
    if plan.pace_ratio < LEAST_PACE_RATIO:
        raise KnownError("drive.plan_pace_ratio", ratio=plan.pace_ratio, least=LEAST_PACE_RATIO)
    try:
        client_context(plan.ca_pem)
    except ValueError as error:
        raise KnownError("drive.plan_bad_ca", reason=error) from error
    _check_stretches(plan.stretches)
    _check_settlements(plan.settlements)


def _unknown_keys(given: dict[str, object]) -> list[str]:
    unknown = set(given) - {field.name for field in fields(SurveyPlan)}
    for table, kind in _TABLES.items():
        rows = given.get(table)
        known = {field.name for field in fields(kind)}
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict):
                unknown |= {f"{table}.{key}" for key in set(row) - known}
    return sorted(unknown)


def _check_stretches(stretches: Sequence[PlannedStretch]) -> None:
    for one in stretches:
        if not (one.highway_ref and 0 <= one.from_m < one.to_m and one.tests_needed >= 1):
            raise KnownError(
                "plan.bad_stretch", stretch=stretch_name(one), tests_needed=one.tests_needed
            )
    in_order = sorted(stretches, key=lambda one: (one.highway_ref, one.from_m))
    for one, after in pairwise(in_order):
        if one.highway_ref == after.highway_ref and one.to_m > after.from_m:
            raise KnownError(
                "plan.stretches_overlap", first=stretch_name(one), second=stretch_name(after)
            )


def _check_settlements(settlements: Sequence[PlannedSettlement]) -> None:
    for one in settlements:
        if not one.settlement_id or one.tests_needed < 1:
            raise KnownError(
                "plan.bad_settlement",
                settlement=one.settlement_id,
                tests_needed=one.tests_needed,
            )
    if (twice := _twice(one.settlement_id for one in settlements)) is not None:
        raise KnownError("plan.settlement_twice", settlement=twice)


def _twice(values: Iterable[str]) -> str | None:
    """Return the first value that comes more than once."""
    return next((value for value, count in Counter(values).items() if count > 1), None)


def _check_second_server(second_url: str, first_url: str) -> None:
    try:
        ServerAddress.parse(second_url)
    except ValueError as error:
        raise KnownError("link.bad_server_url", url=second_url) from error
    if second_url.rstrip("/").lower() == first_url.rstrip("/").lower():
        raise KnownError("drive.plan_same_server", server=second_url)
