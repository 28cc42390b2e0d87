"""The process that keeps the archive up to what has landed; landing never waits for it.

    python -m fieldsurvey.hq.merge_worker --data DIR [--once] [--until-stdin-closes]

May be killed at any moment and started again. What hinders it (a full disk, a ledger out of reach,
somebody else merging) is logged and tried again; nothing is given up.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from fieldsurvey.hq.archive import Archive
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.merge import MergeReport, alone, merge_once
from fieldsurvey.model.clock import Clock, SystemClock
from fieldsurvey.model.errors import KnownError

_log = logging.getLogger(__name__)

IDLE_S = 2.0
TROUBLED_S = 15.0
TIDY_EVERY_S = 3600.0
PATIENCE_US = 10 * 60 * 1_000_000  # for a batch whose drive's own row is still on its way


class Worker:
    """Merges until ``stopping`` is set."""

    def __init__(self, home: Home, stopping: threading.Event, clock: Clock) -> None:
        self._home = home
        self._raw = home.raw_shelf()
        self._archive = home.archive_shelf()
        self._stopping = stopping
        self._clock = clock
        self._tidied_mono_us: int | None = None

    def run(self) -> None:
        """Merge whatever lands, and wait for more."""
        while not self._stopping.is_set():
            pause_s = IDLE_S
            try:
                if self.round(self._clock.utc_us() - PATIENCE_US):
                    continue
            except KnownError as error:
                _log.warning("%s", error)
                pause_s = TROUBLED_S
            except (OSError, SQLAlchemyError) as error:
                _log.warning("the merge is tried again: %s", error)
                pause_s = TROUBLED_S
            self._stopping.wait(pause_s)

    def run_once(self) -> None:
        """Merge all that has landed, then return. Raises KnownError, OSError, SQLAlchemyError."""
        while not self._stopping.is_set() and self.round(None):
            pass

    def round(self, patient_since_utc_us: int | None) -> bool:
        """Merge once; return whether there may be more to do at once."""
        ledger = self._home.ledger()
        try:
            self._tidy(ledger)
            report = merge_once(
                ledger,
                self._raw,
                self._archive,
                patient_since_utc_us=patient_since_utc_us,
            )
        finally:
            ledger.close()
        if report.batches or report.quarantined:
            _tell(report)
            return True
        return False

    def _tidy(self, ledger: Ledger) -> None:
        """Remove what crashes and earlier merges left, at the start and now and then."""
        now_us = self._clock.mono_us()
        if self._tidied_mono_us is not None and (
            now_us - self._tidied_mono_us < TIDY_EVERY_S * 1_000_000
        ):
            return
        with alone(self._archive):  # what is just being written has no name yet
            named = {file.path for file in ledger.archive_files()}
            removed = Archive(self._archive).remove_orphans(named)
        if removed:
            _log.info("removed %d files that no longer count", removed)
        self._tidied_mono_us = now_us


def _tell(report: MergeReport) -> None:
    _log.info(
        "merged %d batches of %d rows into %d files; %d quarantined, %d wait for their drive",
        report.batches,
        report.rows,
        report.files_added,
        report.quarantined,
        report.postponed,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when told to stop, 1 for a known error (with ``--once``, or no HQ there)."""
    parser = argparse.ArgumentParser(prog="fieldsurvey.hq.merge_worker")
    parser.add_argument("--data", type=Path, required=True, help="the folder of HQ")
    parser.add_argument("--once", action="store_true", help="merge what has landed, then end")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the parent")
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s merge: %(message)s"
    )
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if options.until_stdin_closes:
        threading.Thread(target=_wait_for_end, args=(stopping,), daemon=True).start()
    try:
        worker = Worker(Home.open(options.data), stopping, SystemClock())
        if options.once:
            worker.run_once()
        else:
            worker.run()
    except KnownError as error:
        _log.error("%s", error)
        return 1
    return 0


def _wait_for_end(stopping: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    stopping.set()


if __name__ == "__main__":
    sys.exit(main())
