"""Named states of the drive window, for pictures and for tests that go through all of them."""

from collections.abc import Callable
from dataclasses import replace

from fieldsurvey.drive.snapshot import Health, LinkBudget, Notice
from fieldsurvey.model.drive import AtBudget, DriveState, PlannedSettlement, PlannedStretch
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.planned import PlannedProgress
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import (
    Cause,
    InterfaceKind,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    SelfCheck,
    SelfLimit,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, Verdict
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
    drive.now = replace(drive.now, running_test=a_running_test())
    return _at_night(drive)


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


def _self_limited() -> FakeDrive:
    """Everything that can be wrong on our own side at once: the longest reason there is."""
    drive = _with_test(Verdict.BELOW, 87.34)
    test = drive.now.last_test
    assert test is not None
    check = SelfCheck("wlan0", InterfaceKind.WIFI, limits=tuple(SelfLimit))
    measurement = replace(test.measurement, self_check=check)
    test = replace(test, measurement=measurement, judgement=None)
    drive.tests.append(test)
    drive.now = replace(drive.now, last_test=test)
    return drive


def _one_limit() -> FakeDrive:
    drive = _self_limited()
    test = drive.now.last_test
    assert test is not None
    check = SelfCheck("wwan0", InterfaceKind.CELLULAR, limits=(SelfLimit.OTHER_TRAFFIC,))
    measurement = replace(test.measurement, self_check=check)
    drive.now = replace(drive.now, last_test=replace(test, measurement=measurement))
    return drive


def _confirmed(verdict: Verdict | None, mbps: float) -> FakeDrive:
    drive = _with_test(Verdict.BELOW, mbps)
    test = a_test(verdict, mbps, ended_utc_us=drive.now.utc_us - 5 * US)
    test = replace(test, trigger=Trigger.CONFIRMATION, confirms="test-0")
    drive.now = replace(drive.now, last_test=test)
    return drive


def _capped(at_cap: AtBudget, off: Message, used_gb: float) -> FakeDrive:
    """All of the month is spent; today there would be room."""
    measurement = Measurement(
        *("native", Mode.PING, "fs://127.0.0.1:9", Outcome.COMPLETED, 400_000, 900),
        phases=(Phase(PhaseKind.IDLE_LATENCY, 0, 400_000, round_trips_us=(41_000, 38_000)),),
    )
    test = replace(a_test(None), measurement=measurement)
    budget = LinkBudget(
        *("", 1_900_000_000, 20_000_000_000, int(used_gb * 1e9), 400_000_000_000),
        at_cap,
    )
    return FakeDrive(driving(last_test=test, budget=budget, testing_off=off))


def _ping_only() -> FakeDrive:
    off = message("drive.budget_month_reached_ping", used_gb="399.98", budget_gb="400.00")
    return _capped(AtBudget.PING, off, 399.98)


def _no_more_tests() -> FakeDrive:
    off = message("drive.budget_month_reached", used_gb="399.98", budget_gb="400.00")
    return _capped(AtBudget.STOP, off, 399.98)


def _several_links() -> FakeDrive:
    """Two modems tested together, one of them nearly at its cap; the result came over the other."""
    drive = _with_test(Verdict.UNDECIDED, 99.97)
    test = drive.now.last_test
    assert test is not None
    assert test.judgement is not None
    judgement = replace(test.judgement, confidence=Confidence.MEDIUM)
    test = replace(
        test,
        link="modem on the left",
        operator="Beeline Қазақстан",
        access_type=AccessType.MOBILE,
        judgement=judgement,
        confirms="test-0",
    )
    budget = LinkBudget(
        *("modem on the right", 19_400_000_000, 20_000_000_000, 31_000_000_000, 400_000_000_000)
    )
    running = (
        replace(a_running_test(), link="modem on the left"),
        replace(a_running_test(), link="modem on the right", payload_bytes=21_700_000),
    )
    drive.now = replace(
        drive.now,
        last_test=test,
        running_test=running[0],
        running_tests=running,
        budget=budget,
        replayed=True,
    )
    return drive


def _capped_link() -> FakeDrive:
    """The longest that the line about the budget can get."""
    drive = _several_links()
    assert drive.now.budget is not None
    budget = replace(
        drive.now.budget,
        link="a modem with a name that is much too long",
        month_used_bytes=399_980_000_000,
        at_cap=AtBudget.PING,
    )
    text = message("drive.budget_month_reached_ping", used_gb="399.98", budget_gb="400.00")
    off = message("drive.of_link", link=budget.link, text=text)
    drive.now = replace(
        drive.now, budget=budget, testing_off=off, running_test=None, running_tests=()
    )
    return drive


def _many_links() -> FakeDrive:
    drive = _several_links()
    running = tuple(replace(a_running_test(), link=f"modem {n}") for n in range(4))
    drive.now = replace(drive.now, running_tests=running)
    return drive


def _planned() -> FakeDrive:
    """On a planned stretch with the longest name there is, in a settlement of the plan."""
    drive = _several_links()
    stretches = [PlannedStretch("KAZ01", km * 1000, km * 1000 + 10_000, 12) for km in (10, 30, 40)]
    progress = tuple(
        PlannedProgress(one, made) for one, made in zip(stretches, (12, 0, 3), strict=True)
    )
    here = (progress[2], PlannedProgress(PlannedSettlement("s1", 7), 7))
    drive.now = replace(drive.now, planned=progress, planned_here=here)
    return drive


def _at_night(drive: FakeDrive) -> FakeDrive:
    shift = DUSK_UTC_US - NOON_UTC_US
    now, test = drive.now, drive.now.last_test
    drive.trail = [replace(p, utc_us=p.utc_us + shift) for p in drive.trail]
    drive.tests = [replace(t, ended_utc_us=t.ended_utc_us + shift) for t in drive.tests]
    if test is not None:
        test = replace(test, ended_utc_us=test.ended_utc_us + shift, ended_mono_us=-1)
    drive.now = replace(now, utc_us=now.utc_us + shift, mono_us=now.mono_us + shift, last_test=test)
    return drive


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
    "self_limited": _self_limited,
    "one_limit": _one_limit,
    "one_limit_night": lambda: _at_night(_one_limit()),
    "confirmed": lambda: _confirmed(Verdict.BELOW, 41.7),
    "not_confirmed": lambda: _confirmed(Verdict.ABOVE, 141.7),
    "ping_only": _ping_only,
    "no_more_tests": _no_more_tests,
    "several_links": _several_links,
    "several_links_night": lambda: _at_night(_several_links()),
    "capped_link": _capped_link,
    "many_links": _many_links,
    "planned": _planned,
}
