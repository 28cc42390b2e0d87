"""The columns of a rows/1 payload, for its writer and its reader. FORMAT.md tells strangers.

Two clocks that were read together differ by nearly the same all day, so UTC travels as its distance
from the monotonic clock; a sample's fix, nearly always the fix row before it, as a reference.
Must not change: another set of columns is another schema.
"""

from enum import Enum

PROPERTIES_KEY = b"fieldsurvey"  # of the file's key-value metadata: canonical JSON


class ColumnKind(Enum):
    INTEGER = "integer"  # int64
    REAL = "real"  # double, or int64 of so many decimals
    FLAG = "flag"  # boolean
    WORD = "word"  # text that repeats
    TEXT = "text"


_I, _R, _F, _W, _T = ColumnKind

CAUSE = "cause"
FIX_BACK = "fix_back"
AGE_REST = "fix_age_rest_us"

ROW_COLUMNS = {"seq": _I, "drive_id": _W, "kind": _W, "record": _T}
SAMPLE_COLUMNS = {
    "mono_us": _I,
    "utc_less_mono_us": _I,
    "reachable": _F,
    "round_trip_us": _I,
    "cause": _W,
    AGE_REST: _I,
    FIX_BACK: _I,
}
RADIO_COLUMNS = {
    "radio_mono_us": _I,
    "radio_utc_less_mono_us": _I,
    "radio_technology": _W,
    "radio_operator_code": _W,
    "radio_operator_name": _W,
    "radio_cell_id": _I,
    "radio_tracking_area": _I,
    "radio_band": _W,
    "radio_rsrp_dbm": _R,
    "radio_rsrq_db": _R,
    "radio_sinr_db": _R,
    "radio_rssi_dbm": _R,
}
FIX_COLUMNS = {
    "fix_mono_us": _I,
    "fix_utc_less_mono_us": _I,
    "fix_latitude_deg": _R,
    "fix_longitude_deg": _R,
    "fix_type": _I,
    "fix_gnss_utc_us": _I,
    "fix_altitude_m": _R,
    "fix_speed_mps": _R,
    "fix_heading_deg": _R,
    "fix_accuracy_m": _R,
    "fix_hdop": _R,
    "fix_satellites": _I,
    "fix_flags": _I,
}
COLUMNS = ROW_COLUMNS | SAMPLE_COLUMNS | RADIO_COLUMNS | FIX_COLUMNS

# Never missing where there is a sample, a reading of the modem, a fix.
SAMPLE_CORE = ("mono_us", "utc_less_mono_us", "reachable")
RADIO_CORE = ("radio_mono_us", "radio_utc_less_mono_us", "radio_technology")
FIX_CORE = (
    "fix_mono_us",
    "fix_utc_less_mono_us",
    "fix_latitude_deg",
    "fix_longitude_deg",
    "fix_type",
    "fix_flags",
)

HIGHEST_SEQ = 2**62
MOST_ROWS = 1_000_000
MOST_BYTES = 64 * 1024 * 1024  # unpacked
MOST_DECIMALS = 10
FIRST_INEXACT = 2**53  # whole numbers from here on are not all doubles


def of_kind(*kinds: ColumnKind) -> list[str]:
    """Return the names of the columns of some kinds."""
    return [name for name, kind in COLUMNS.items() if kind in kinds]
