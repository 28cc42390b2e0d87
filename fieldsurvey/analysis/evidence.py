"""What may be asked of the archive, and which of its columns the answers are made of.

Apart from :mod:`fieldsurvey.analysis.questions`, so that a command can name the questions without
loading Ibis, and an engine can load the columns without knowing the questions.
"""

from enum import StrEnum

RESOLUTIONS = (5, 7, 9)


class Question(StrEnum):
    COVERAGE = "coverage"
    SPEED = "speed"
    DAYS = "days"
    RATES = "rates"
    CAUSES = "causes"
    GAPS = "gaps"
    EXTENT = "extent"


_ORIGIN = {
    "ts_utc_us": "int64",
    "time_quality": "string",
    "device": "string",
    "drive_id": "string",
    "replayed": "boolean",
}
_CELLS = {f"h3_{resolution}": "int64" for resolution in RESOLUTIONS}

# Table → column → type in Ibis's words; each column may be null.
COLUMNS: dict[str, dict[str, str]] = {
    "samples": {
        **_ORIGIN,
        "reachable": "boolean",
        "cause": "string",
        "radio_technology": "string",
        "operator": "string",
        "fix_latitude_deg": "float64",
        "fix_longitude_deg": "float64",
        **_CELLS,
    },
    "tests": {
        **_ORIGIN,
        "outcome": "string",
        "cause": "string",
        "operator": "string",
        "download_outcome": "string",
        "download_cause": "string",
        "download_bps": "int64",
        **_CELLS,
    },
}
