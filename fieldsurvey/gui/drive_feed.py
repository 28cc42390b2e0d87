"""Fetches what is new about a drive, in portions small enough to be shown at once.

A drive resumed after a whole day brings 30,000 seconds in one look; they are taken in slices over
the next looks, so that the window never stops for them. Must not import Qt.
"""

from dataclasses import dataclass

from fieldsurvey.drive.control_protocol import DriveControlProtocol
from fieldsurvey.drive.snapshot import DriveSnapshot, TrailPoint
from fieldsurvey.model.drive import DriveState
from fieldsurvey.model.throughput import ThroughputTest

POINTS_PER_LOOK = 3_000
TESTS_PER_LOOK = 100


@dataclass(frozen=True, slots=True)
class News:
    """``another_drive``: forget the trail and tests shown so far before adding these."""

    snapshot: DriveSnapshot
    another_drive: bool
    points: list[TrailPoint]
    tests: list[ThroughputTest]


class DriveFeed:
    """Remembers how much of the drive has been handed out."""

    def __init__(self, control: DriveControlProtocol) -> None:
        self._control = control
        self._last: DriveSnapshot | None = None
        self._points_taken = self._tests_taken = 0
        self._waiting_points: list[TrailPoint] = []
        self._waiting_tests: list[ThroughputTest] = []

    def look(self) -> News:
        """Return the newest snapshot and the next portion of committed seconds and tests."""
        snapshot = self._control.snapshot()
        another = self._last is not None and _is_another_drive(self._last, snapshot)
        if another:
            self._points_taken = self._tests_taken = 0
            self._waiting_points, self._waiting_tests = [], []
        self._last = snapshot
        if not self._waiting_points:
            self._waiting_points = self._control.trail_since(self._points_taken)
            self._points_taken += len(self._waiting_points)
        if not self._waiting_tests:
            self._waiting_tests = self._control.tests_since(self._tests_taken)
            self._tests_taken += len(self._waiting_tests)
        points = self._waiting_points[:POINTS_PER_LOOK]
        tests = self._waiting_tests[:TESTS_PER_LOOK]
        self._waiting_points = self._waiting_points[POINTS_PER_LOOK:]
        self._waiting_tests = self._waiting_tests[TESTS_PER_LOOK:]
        return News(snapshot, another, points, tests)


def _is_another_drive(before: DriveSnapshot, now: DriveSnapshot) -> bool:
    """A drive has begun or was resumed since ``before``; within one drive counts only grow."""
    has_begun = now.state is DriveState.DRIVING and before.state is not DriveState.DRIVING
    return has_begun or now.counts.samples < before.counts.samples
