"""What link we are on."""

from dataclasses import dataclass
from enum import StrEnum


class AccessType(StrEnum):
    FIBRE = "fibre"
    MOBILE = "mobile"
    SATELLITE = "satellite"
    FIXED_WIRELESS = "fixed-wireless"
    UNKNOWN = "unknown"


class RadioTechnology(StrEnum):
    G2 = "2G"
    G3 = "3G"
    G4 = "4G"
    G5_NSA = "5G-NSA"
    G5_SA = "5G-SA"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RadioState:
    """One reading of a modem. ``None`` where the modem does not say, never 0."""

    utc_us: int
    mono_us: int
    technology: RadioTechnology
    operator_code: str | None = None  # MCC and MNC, "40177"
    operator_name: str | None = None
    cell_id: int | None = None
    tracking_area: int | None = None
    band: str | None = None
    rsrp_dbm: float | None = None
    rsrq_db: float | None = None
    sinr_db: float | None = None
    rssi_dbm: float | None = None
