"""What survey files say was spent before this process: the opening of the ledger.

A SIM card is the same in every campaign: the other surveys of the folder count as well. A file
knows what each stored test took. It cannot know of a test that ran when the process was
killed, so every break that it shows is charged with what the test then due may have taken at most,
over every link: too much rather than too little. Asking for the server twice a second is not
stored either, and is taken from the time driven. Pings within tests (0.3 % of a check) are not.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from fieldsurvey.drive import budget
from fieldsurvey.drive.ledger import DayOfLink
from fieldsurvey.drive.planning import links_of, measurement_plan, mode_of_test, tests_made
from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.drive import Drive, Event, EventKind
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.model.verdict import Target
from fieldsurvey.store.survey_file import SUFFIX, SurveyFile

PROBE_BYTES_PER_S = 1_100  # of the reachability probe, headers included; 1,046 were measured


def other_surveys(path: Path, fallback_folder: Path | None, now_utc_us: int) -> list[Path]:
    """Return the surveys beside ``path`` and in the other folder that were written this month."""
    month_start_s = budget.local_month_us(now_utc_us)[0] / US_PER_S
    folders = {folder.resolve() for folder in (path.parent, fallback_folder) if folder is not None}
    beside = {found for folder in folders for found in folder.glob(f"*{SUFFIX}")}
    return sorted(
        found
        for found in beside - {path.resolve()}
        if found.is_file() and _last_written_s(found) >= month_start_s
    )


def _last_written_s(path: Path) -> float:
    log = path.with_name(f"{path.name}-wal")
    return max(one.stat().st_mtime for one in (path, log) if one.exists())


def spent_before(
    survey: SurveyFile,
    links: Iterable[str],
    target: Target,
    now_utc_us: int,
    zone: datetime.tzinfo | None = None,
) -> Counter[DayOfLink]:
    """Return what was spent this month, by link and day; earlier days on the month's first.

    Call before a drive begins or goes on. Raises KnownError for a file that cannot be read.
    """
    day_us, month_us = (
        budget.local_day_us(now_utc_us, zone),
        budget.local_month_us(now_utc_us, zone),
    )
    spans_us = ((month_us[0], day_us[0]), day_us)
    names = list(links)
    spent: Counter[DayOfLink] = Counter()
    for from_us, to_us in spans_us:
        for name in names:
            spent[name, from_us] += survey.bytes_used_between(from_us, to_us, name)
    for drive in survey.drives():
        end_us = _end_us(survey, drive)
        if end_us < month_us[0]:
            continue
        for from_us, to_us in spans_us:
            driven_us = max(0, min(end_us, to_us) - max(drive.started_utc_us, from_us))
            spent[names[0], from_us] += driven_us // US_PER_S * PROBE_BYTES_PER_S
        for at_us, name, lost_bytes in _lost_charges(survey, drive, end_us, target):
            start_us = next((span[0] for span in spans_us if span[0] <= at_us < span[1]), None)
            if start_us is not None:
                spent[name, start_us] += lost_bytes
    return spent


def _end_us(survey: SurveyFile, drive: Drive) -> int:
    if drive.ended_utc_us is not None:
        return drive.ended_utc_us
    unfinished = survey.unfinished_drive()
    last = unfinished.last_sample if unfinished else None
    return last.utc_us if last else drive.started_utc_us


def _lost_charges(
    survey: SurveyFile, drive: Drive, end_us: int, target: Target
) -> Iterator[tuple[int, str, int]]:
    """Yield time, link and bytes of the tests that may have run when ``drive`` broke off."""
    breaks_us = broken_off_us(survey.events(drive.drive_id), end_us)
    if not breaks_us:
        return
    tests: list[ThroughputTest] = list(survey.tests(drive.drive_id))
    for at_us in breaks_us:
        made = tests_made(test for test in tests if test.started_utc_us < at_us)
        for link in links_of(drive.plan):
            mode = mode_of_test(drive.plan, made[link.name] + 1)
            order = measurement_plan(drive.plan, link, target, mode)
            yield at_us, link.name, budget.most_bytes(order)


def broken_off_us(events: Iterable[Event], end_us: int) -> list[int]:
    """Return when a drive broke off: whenever it was resumed, and at its end if nobody ended it."""
    resumed_us: list[int] = []
    stopped = False
    for event in events:
        if event.kind is EventKind.DRIVE_RESUMED:
            resumed_us.append(event.utc_us)
        stopped = stopped or event.kind is EventKind.DRIVE_STOPPED
    return resumed_us if stopped else [*resumed_us, end_us]
