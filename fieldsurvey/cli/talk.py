"""Tells a drive to somebody who reads lines, not a window."""

import time
from collections.abc import Sequence

from fieldsurvey.cli.shell import Shell
from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.place import Place
from fieldsurvey.model.planned import progress_line
from fieldsurvey.model.rates import mbps_text
from fieldsurvey.model.throughput import Outcome, ThroughputTest

STATUS_PERIOD_S = 10.0


class Talk:
    """Prints each notice and each result once, what the plan still wants where that changes, and a
    status line every ten seconds."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._serial = 0
        self._next_status_s = time.monotonic() + STATUS_PERIOD_S
        self._planned: dict[PlannedStretch | PlannedSettlement, int] = {}  # tests told of
        self._names: dict[PlannedStretch | PlannedSettlement, str] = {}  # of where the car has been

    def follow(self, snapshot: DriveSnapshot, new_tests: Sequence[ThroughputTest]) -> None:
        """Say what is new in ``snapshot``, and the results committed since the one before."""
        for notice in snapshot.notices:
            if notice.serial > self._serial:
                self._serial = notice.serial
                self._shell.say(notice.message)
        for test in new_tests:
            self._shell.say(result_line(test))
        self._tell_plan(snapshot)
        if time.monotonic() >= self._next_status_s:
            self._next_status_s += STATUS_PERIOD_S
            counts = snapshot.counts
            self._shell.tell(
                "cli.status",
                state=message(f"cli.state_{snapshot.state.value}"),
                km=f"{counts.distance_m / 1000:.1f}",
                samples=counts.samples,
                tests=counts.tally.tests,
                no_service_s=counts.no_service_samples,
            )

    def _tell_plan(self, snapshot: DriveSnapshot) -> None:
        """Say how far the plan is where the car has come, and wherever it has been since: a test
        may be committed when its stretch has been left."""
        here = {progress.planned for progress in snapshot.planned_here}
        if name := settlement_name(snapshot.place):
            self._names |= dict.fromkeys(here, name)
        for progress in snapshot.planned:
            met = progress.planned in here or progress.planned in self._planned
            if met and self._planned.get(progress.planned) != progress.made:
                self._planned[progress.planned] = progress.made
                self._shell.say(progress_line(progress, self._names.get(progress.planned, "")))


def settlement_name(place: Place | None) -> str:
    """Return the name of the settlement that ``place`` lies in; "" outside."""
    return "" if place is None else place.settlement_name or ""


def result_line(test: ThroughputTest) -> Message:
    """Say one result, and of which link where there are several."""
    result = _result(test)
    return message("cli.of_link", link=test.link, result=result) if test.link else result


def _result(test: ThroughputTest) -> Message:
    """Say number, shape and word, or the cause where there is no number."""
    where = place_label(test)
    if test.judgement is None:
        measurement = test.measurement
        cause = message(f"cause.{measurement.cause.value if measurement.cause else 'unknown'}")
        spoiled = measurement.outcome is Outcome.FAILED and not test.no_service
        word = "spoiled" if spoiled else measurement.outcome.value
        return message(f"cli.result_{word}", cause=cause, place=where)
    return message(
        f"cli.result_{test.judgement.verdict.value}",
        mbps=mbps_text(test.judgement.compared_bps),
        target=f"{test.judgement.target.rate_bps / 1e6:g}",
        place=where,
    )


def place_label(test: ThroughputTest) -> Message:
    """Name where a test began: highway and kilometre, village, or honestly no road."""
    place = test.start_place or test.end_place
    if place is None:
        return message("cli.no_position")
    if place.settlement_name is not None:
        return message("cli.in_settlement", name=place.settlement_name)
    if place.highway_ref is not None and place.chainage_m is not None:
        return message("cli.on_highway", ref=place.highway_ref, km=f"{place.chainage_m / 1000:.1f}")
    return message("cli.no_road")
