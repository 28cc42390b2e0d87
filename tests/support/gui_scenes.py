"""Named states of the drive window, for pictures and for tests that go through all of them."""

from collections.abc import Callable
from dataclasses import replace

from fieldsurvey.drive.snapshot import Health, Notice
from fieldsurvey.model.drive import DriveState
from fieldsurvey.model.messages import message
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.model.verdict import Verdict
from tests.support.gui_fake_drive import (
    DUSK_UTC_US,
    NOON_UTC_US,
    STRIP_TROUBLED,
    US,
    FakeDrive,
    a_fix,
    a_running_test,
    a_test,
    driving,
    idle,
    no_service_test,
    whole_drive,
)


def _with_test(verdict: Verdict, mbps: float) -> FakeDrive:
    drive = whole_drive(1_500, 40)
    test = a_test(verdict, mbps, ended_utc_us=drive.now.utc_us - 12 * US)
    drive.now = replace(drive.now, last_test=test)
    return drive


def _no_service() -> FakeDrive:
    drive = whole_drive(1_500, 40)
    test = no_service_test(Cause.CAPTIVE_PORTAL, ended_utc_us=drive.now.utc_us - 75 * US)
    drive.now = replace(drive.now, last_test=test, strip=STRIP_TROUBLED, notices=())
    return drive


def _failed() -> FakeDrive:
    test = a_test(None, outcome=Outcome.FAILED, cause=Cause.SERVER_BUSY)
    return FakeDrive(driving(last_test=test))


def _skipped() -> FakeDrive:
    test = a_test(None, outcome=Outcome.SKIPPED, cause=Cause.BUDGET)
    off = message("drive.budget_reached", used_gb=20.1, budget_gb=20)
    return FakeDrive(driving(last_test=test, testing_off=off))


def _night() -> FakeDrive:
    drive = _with_test(Verdict.ABOVE, 213.7)
    shift = DUSK_UTC_US - NOON_UTC_US
    now = drive.now
    drive.trail = [replace(p, utc_us=p.utc_us + shift) for p in drive.trail]
    drive.tests = [replace(t, ended_utc_us=t.ended_utc_us + shift) for t in drive.tests]
    end_us = now.utc_us + shift
    test = a_test(Verdict.ABOVE, 213.7, ended_utc_us=end_us - 48 * US)
    drive.now = replace(
        now, utc_us=end_us, mono_us=end_us, last_test=test, running_test=a_running_test()
    )
    return drive


def _replay() -> FakeDrive:
    drive = _with_test(Verdict.UNDECIDED, 99.97)
    drive.now = replace(drive.now, replayed=True)
    return drive


def _ended() -> FakeDrive:
    drive = _replay()
    drive.now = replace(drive.now, state=DriveState.STOPPED, ended=True, fix=a_fix(speed_mps=0.0))
    return drive


def _resume_question() -> FakeDrive:
    question = message("drive.resume_question", tests=35)
    return FakeDrive(idle(resume_question=question, fix=a_fix(speed_mps=0.0), fix_age_us=0))


def _storage_notice() -> FakeDrive:
    notice = Notice(7, NOON_UTC_US, Health.FAILED, message("drive.storage_full_advice"))
    return FakeDrive(driving(notices=(notice,), strip=STRIP_TROUBLED))


SCENES: dict[str, Callable[[], FakeDrive]] = {
    "idle": lambda: FakeDrive(idle()),
    "ready": lambda: FakeDrive(
        idle(state=DriveState.READY, waiting_for=None, fix=a_fix(speed_mps=0.0), fix_age_us=0)
    ),
    "driving": lambda: _with_test(Verdict.BELOW, 87.34),
    "above": lambda: _with_test(Verdict.ABOVE, 1_234.0),
    "undecided": lambda: _with_test(Verdict.UNDECIDED, 99.97),
    "no_service": _no_service,
    "failed": _failed,
    "skipped": _skipped,
    "night": _night,
    "replay": _replay,
    "ended": _ended,
    "stopped": lambda: FakeDrive(driving(state=DriveState.STOPPED, fix=a_fix(speed_mps=0.0))),
    "resume_question": _resume_question,
    "storage_notice": _storage_notice,
}
