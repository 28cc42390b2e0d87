"""What a batch carries: the numbered rows of a survey file, as the model's own objects."""

from dataclasses import dataclass

from fieldsurvey.model.drive import Drive, Event, Sample
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import ThroughputTest

SCHEMA = "rows/1"


@dataclass(frozen=True, slots=True)
class DriveEnd:
    """A drive was ended; a drive that crashed has none."""

    ended_utc_us: int


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that the survey file's tables would not take, kept as text."""

    kind: str
    content: str
    reason: str


Recorded = Drive | DriveEnd | Fix | Sample | Event | ThroughputTest | RefusedRow


@dataclass(frozen=True, slots=True)
class Row:
    """``seq`` is the row's number in its file. A drive's own row carries no end: that is a row of
    its own. A sample's place is derived and does not travel."""

    seq: int
    drive_id: str
    value: Recorded
