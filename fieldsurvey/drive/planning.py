"""From what a campaign asks to what one measuring process does once, over one link.

Pure: which links there are, what they are judged by, which kind of test comes when.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from fieldsurvey.model.drive import PlannedLink, SurveyPlan
from fieldsurvey.model.throughput import MeasurementPlan, Mode, Outcome, ThroughputTest, Trigger
from fieldsurvey.model.verdict import Target
from fieldsurvey.throughput.modes import plan_for


def links_of(plan: SurveyPlan) -> tuple[PlannedLink, ...]:
    """Return the links to test; without any in the plan the default route, which has no name."""
    return plan.links or (PlannedLink("", "", plan.operator, plan.access_type),)


def target_of(target: Target, plan: SurveyPlan) -> Target:
    """Return what a test is judged by: the target, in the layer that the plan wants."""
    return target if plan.layer is None else replace(target, layer=plan.layer)


def measurement_plan(
    plan: SurveyPlan, link: PlannedLink, target: Target, mode: Mode, server_url: str | None = None
) -> MeasurementPlan:
    """Translate what the campaign asks into one order; ``server_url`` None is the plan's.

    The plan's bounds in seconds and bytes are a check's; the other modes have their own.
    """
    check = mode is Mode.CHECK
    return plan_for(
        mode,
        server_url=server_url or plan.server_url,
        protocol=plan.protocol,
        target=target_of(target, plan),
        interface=link.interface or None,
        upload=plan.upload,
        connections=plan.connections,
        pace_ratio=plan.pace_ratio,
        max_duration_us=int(plan.max_test_s * 1_000_000) if check else None,
        max_bytes=plan.max_test_bytes if check else None,
        ca_pem=plan.ca_pem,
    )


def mode_of_test(plan: SurveyPlan, number: int) -> Mode:
    """Return what a link's test number ``number`` is (from 1): every so many is a calibration."""
    every = plan.calibrate_every
    calibrate = plan.mode is not Mode.PING and every > 0 and number % every == 0
    return Mode.CALIBRATE if calibrate else plan.mode


def tests_made(tests: Iterable[ThroughputTest]) -> Counter[str]:
    """Count, by link, the tests that :func:`mode_of_test` numbers."""
    return Counter(
        test.link
        for test in tests
        if test.trigger is not Trigger.CONFIRMATION
        and test.measurement.mode is not Mode.PING
        and test.measurement.outcome is not Outcome.SKIPPED
    )
