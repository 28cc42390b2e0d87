"""The contract between a shell (window or command line) and a running drive."""

from typing import Protocol

from fieldsurvey.drive.snapshot import DriveSnapshot, TrailPoint
from fieldsurvey.model.throughput import ThroughputTest


class DriveControlProtocol(Protocol):
    """Every method returns at once and may be called from any thread; none raises.

    Commands are wishes: what came of them shows in later snapshots.
    """

    def snapshot(self) -> DriveSnapshot: ...

    def trail_since(self, index: int) -> list[TrailPoint]:
        """Return the committed seconds from number ``index`` on, oldest first."""
        ...

    def tests_since(self, index: int) -> list[ThroughputTest]:
        """Return the committed tests of this drive from number ``index`` on."""
        ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def test_now(self) -> None: ...

    def mark(self, note: str = "") -> None: ...

    def resume(self, accept: bool) -> None:
        """Answer ``resume_question``."""
        ...

    def close(self) -> None:
        """Stop, commit, release everything. Returns when it is done (at most a few seconds)."""
        ...
