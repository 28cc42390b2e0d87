"""One JSON line per test served, in a file of bounded size.

Must not say who tested: by default no more of an address is written than the network it is in
(/24, for IPv6 /48), and nothing that a client sent. ``operating.md`` lists the fields.
"""

import json
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from logging.handlers import RotatingFileHandler
from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message
from fieldsurvey.throughput.server.clients import network_of
from fieldsurvey.throughput.server.slots import Test

FILE_NAME = "measure-server.log"
LARGEST_FILE_BYTES = 10_000_000
OLD_FILES = 9


class Addresses(StrEnum):
    """How much of a client's address is written down."""

    NONE = "none"
    NETWORK = "network"
    WHOLE = "whole"


class TestLog:
    """The log in ``folder``; raises KnownError ``measure_server.log_unwritable``."""

    __test__ = False  # pytest: not one of yours

    def __init__(
        self,
        folder: Path,
        addresses: Addresses = Addresses.NETWORK,
        largest_file_bytes: int = LARGEST_FILE_BYTES,
    ) -> None:
        self._addresses = addresses
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._handler = _Handler(
                folder / FILE_NAME,
                maxBytes=largest_file_bytes,
                backupCount=OLD_FILES,
                encoding="utf-8",
            )
        except OSError as error:
            raise KnownError(
                "measure_server.log_unwritable", path=folder, reason=error.strerror or error
            ) from error

    def write(self, test: Test) -> None:
        """Write one test, which has just ended."""
        line = {
            "ended_utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": self._address(test),
            "loads": dict(sorted(test.kinds.items())),
            "seconds": round(test.quiet_since_s - test.began_s, 3),
            "sent_bytes": test.sent_bytes(),
            "received_bytes": test.received_bytes(),
        }
        self._handler.emit(logging.makeLogRecord({"msg": json.dumps(line)}))

    def close(self) -> None:
        with suppress(OSError):  # a full disk; that was said
            self._handler.close()

    def _address(self, test: Test) -> str:
        if self._addresses is Addresses.NONE:
            return ""
        if self._addresses is Addresses.NETWORK:
            return network_of(test.address)
        return test.address


class _Handler(RotatingFileHandler):
    _complained = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say once that the disk takes no more; tests go on."""
        if not self._complained:
            self._complained = True
            complaint = message(
                "measure_server.log_stopped", path=self.baseFilename, reason=sys.exc_info()[1]
            )
            sys.stderr.write(f"{complaint}\n")
