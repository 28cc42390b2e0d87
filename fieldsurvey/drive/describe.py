"""Describes a run at one moment for shells."""

from fieldsurvey.drive import strip
from fieldsurvey.drive.queue_reading import queue_item
from fieldsurvey.drive.run import DriveRun
from fieldsurvey.drive.snapshot import DriveSnapshot, StripKind
from fieldsurvey.model.drive import DriveState
from fieldsurvey.model.messages import Message, message


def describe(run: DriveRun) -> DriveSnapshot:
    """Collect what a shell may see; call in the acquisition loop."""
    mono_us = run.clock.mono_us()
    fix = run.receiver.newest
    age_us = None if fix is None else fix.age_us(mono_us)
    recording, testing, counts = run.recording, run.testing, run.view.counts
    trouble = recording.trouble if recording else None
    waiting = recording.waiting if recording else 0
    running = run.links.running
    budget = testing.budget if testing else None
    return DriveSnapshot(
        state=run.state,
        utc_us=run.clock.utc_us(),
        mono_us=mono_us,
        waiting_for=_waiting_for(run),
        fix=fix,
        fix_age_us=age_us,
        place=run.place,
        strip={
            StripKind.POSITION: strip.position_item(fix, age_us, run.receiver.trouble),
            StripKind.NETWORK: strip.network_item(run.reachability),
            StripKind.STORAGE: strip.storage_item(run.laptop, trouble, waiting),
            StripKind.QUEUE: queue_item(run.syncing.view, counts.tally.tests, run.clock.utc_us()),
            StripKind.POWER: strip.power_item(run.laptop),
            StripKind.CLOCK: strip.clock_item(fix),
        },
        last_test=run.view.last_test,
        running_test=running[0] if running else None,
        running_tests=running,
        counts=counts,
        budget_used_bytes=budget.day_used_bytes if budget else 0,
        budget_bytes=run.config.plan.budget_bytes_per_day,
        budget=budget,
        testing_off=testing.off if testing else None,
        planned_here=run.view.planned.here(run.place),
        planned=run.view.planned.progress,
        notices=run.view.notices,
        survey_path=str(run.config.survey_path),
        replayed=run.receiver.source.replayed,
        resume_question=_resume_question(run),
        ended=run.ended,
    )


def _waiting_for(run: DriveRun) -> Message | None:
    if run.state is not DriveState.IDLE:
        return None
    trouble = run.receiver.trouble
    return trouble.message if trouble else message("drive.waiting_for_position")


def _resume_question(run: DriveRun) -> Message | None:
    if run.unfinished is None:
        return None
    return message("drive.resume_question", tests=run.unfinished.counts.tally.tests)
