"""The JSON lines between the application and its measuring process.

Must not grow a second meaning: a line down is a plan or a cancellation, a line up is progress or
the measurement that ends the test.
"""

from dataclasses import dataclass

import msgspec

from fieldsurvey.model.throughput import Measurement, MeasurementPlan
from fieldsurvey.throughput.protocols.protocol import Progress

LONGEST_LINE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Command:
    """To the worker. ``serial`` names the test; without a plan it is called off."""

    serial: int
    plan: MeasurementPlan | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """From the worker. ``wire_bytes`` charges the budget even if the worker dies next; after
    ``ends`` it does, on purpose."""

    serial: int
    wire_bytes: int
    progress: Progress | None = None
    measurement: Measurement | None = None
    ends: bool = False


_commands = msgspec.json.Decoder(Command)
_reports = msgspec.json.Decoder(Report)


def encode(line: Command | Report) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def decode_command(line: bytes) -> Command:
    """Raises msgspec.MsgspecError."""
    return _commands.decode(line)


def decode_report(line: bytes) -> Report:
    """Raises msgspec.MsgspecError."""
    return _reports.decode(line)
