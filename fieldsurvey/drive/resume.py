"""What to do about a drive that never ended: a crash, a power cut, a killed process."""

import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

RESUME_WITHIN_S = 600.0


class Resume(Enum):
    BY_ITSELF = "by_itself"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class LastWritten:
    """When anything was last written to a survey file, by the file system's clock."""

    utc_s: float

    @classmethod
    def of(cls, survey_path: Path) -> "LastWritten | None":
        """Look at the file and its write-ahead log; None where there is no file. Ask before
        opening the survey: opening may write."""
        times_s = [
            path.stat().st_mtime
            for path in (survey_path, survey_path.with_name(survey_path.name + "-wal"))
            if path.exists()
        ]
        return cls(max(times_s)) if times_s else None


def decide(last_written: LastWritten, now_utc_s: float | None = None) -> Resume:
    """Resume by itself within 10 minutes, ask after that.

    A file from the future means that the clock was set back since; the gap is then unknown, and
    carrying on loses nothing.
    """
    now_s = time.time() if now_utc_s is None else now_utc_s
    return Resume.BY_ITSELF if now_s - last_written.utc_s <= RESUME_WITHIN_S else Resume.ASK
