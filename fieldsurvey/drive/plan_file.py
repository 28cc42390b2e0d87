"""Survey plans as TOML files that a supervisor can write by hand."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import msgspec

from fieldsurvey.model.drive import PlannedLink, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.tls import client_context

LEAST_PACE_RATIO = 1.2  # a slower sender could not show that a place is above its target


def load_plan(path: Path) -> SurveyPlan:
    """Read a plan; keys are the fields of :class:`SurveyPlan`, missing ones keep their default.

    Links are ``[[links]]`` tables. Raises KnownError ``drive.plan_unreadable``,
    ``drive.plan_unknown_key``, ``drive.plan_wrong`` with the reason, and those of
    :func:`check_plan`.
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


def check_plan(plan: SurveyPlan) -> None:
    """Refuse what cannot be meant.

    Raises KnownError ``drive.plan_link_twice``, ``drive.plan_interface_twice``,
    ``drive.plan_same_server``, ``drive.plan_pace_ratio``, ``drive.plan_bad_ca``,
    ``link.bad_server_url``.
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


def _unknown_keys(given: dict[str, object]) -> list[str]:
    unknown = set(given) - {field.name for field in fields(SurveyPlan)}
    links = given.get("links")
    if isinstance(links, list):
        known = {field.name for field in fields(PlannedLink)}
        unknown |= {
            f"links.{key}" for link in links if isinstance(link, dict) for key in set(link) - known
        }
    return sorted(unknown)


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
