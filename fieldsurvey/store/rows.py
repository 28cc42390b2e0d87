"""Fixes, seconds, events and drives as rows of their tables, and back without loss.

Column order here is the order of the tuples; the tables themselves are made by the migrations.
"""

import msgspec

from fieldsurvey.model.drive import Drive, Event, EventKind, Reachability, Sample, SurveyPlan
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, FixFlag, FixType
from fieldsurvey.model.radio import RadioState, RadioTechnology
from fieldsurvey.model.throughput import Cause
from fieldsurvey.store.codec import Row, message_from_json, message_to_json, real, to_json

_FIX = (
    "utc_us",
    "mono_us",
    "latitude_deg",
    "longitude_deg",
    "type",
    "gnss_utc_us",
    "altitude_m",
    "speed_mps",
    "heading_deg",
    "accuracy_m",
    "hdop",
    "satellites",
    "flags",
)
_RADIO = (
    "utc_us",
    "mono_us",
    "technology",
    "operator_code",
    "operator_name",
    "cell_id",
    "tracking_area",
    "band",
    "rsrp_dbm",
    "rsrq_db",
    "sinr_db",
    "rssi_dbm",
)


def prefixed(prefix: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(prefix + name for name in names)


FIX_COLUMNS = prefixed("fix_", _FIX)
START_FIX_COLUMNS = prefixed("start_", _FIX)
END_FIX_COLUMNS = prefixed("end_", _FIX)
RADIO_COLUMNS = prefixed("radio_", _RADIO)
SAMPLE_COLUMNS = (
    "utc_us",
    "mono_us",
    "reachable",
    "round_trip_us",
    "cause",
    "fix_age_us",
    *RADIO_COLUMNS,
    *FIX_COLUMNS,
)
EVENT_COLUMNS = ("kind", "utc_us", "mono_us", "message")
DRIVE_COLUMNS = (
    "drive_id",
    "started_utc_us",
    "plan",
    "position_uri",
    "radio_uri",
    "app_version",
    "replayed",
)
PLACE_COLUMNS = (
    "places_version",
    "highway_ref",
    "chainage_m",
    "road_distance_m",
    "settlement_id",
    "settlement_name",
    "settlement_distance_m",
)
NO_FIX = (None,) * len(_FIX)
_NO_RADIO = (None,) * len(_RADIO)


def text(value: str | None) -> str | None:
    """Return the plain text of an enum member (the driver binds exact types only)."""
    return None if value is None else str(value)


def fix_row(fix: Fix) -> Row:
    return (
        fix.utc_us,
        fix.mono_us,
        real(fix.latitude_deg),
        real(fix.longitude_deg),
        int(fix.fix_type),
        fix.gnss_utc_us,
        real(fix.altitude_m),
        real(fix.speed_mps),
        real(fix.heading_deg),
        real(fix.accuracy_m),
        real(fix.hdop),
        fix.satellites,
        int(fix.flags),
    )


def fix_from(row: Row) -> Fix | None:
    """Return the fix, or None where the columns are empty."""
    if row[0] is None:
        return None
    values = [*row[:4], FixType(row[4]), *row[5:-1], FixFlag(row[-1])]
    return Fix(*values)


def _radio_row(radio: RadioState) -> Row:
    return (
        radio.utc_us,
        radio.mono_us,
        str(radio.technology),
        radio.operator_code,
        radio.operator_name,
        radio.cell_id,
        radio.tracking_area,
        radio.band,
        real(radio.rsrp_dbm),
        real(radio.rsrq_db),
        real(radio.sinr_db),
        real(radio.rssi_dbm),
    )


def _radio_from(row: Row) -> RadioState | None:
    if row[0] is None:
        return None
    utc_us, mono_us, technology, *others = row
    return RadioState(utc_us, mono_us, RadioTechnology(technology), *others)


def place_row(place: Place) -> Row:
    return (
        place.places_version,
        place.highway_ref,
        real(place.chainage_m),
        real(place.road_distance_m),
        place.settlement_id,
        place.settlement_name,
        real(place.settlement_distance_m),
    )


def place_from(row: Row) -> Place | None:
    """Return the place, or None where none was stored."""
    return None if row[0] is None else Place(*row)


def sample_row(sample: Sample) -> Row:
    reachability = sample.reachability
    return (
        sample.utc_us,
        sample.mono_us,
        int(reachability.reachable),
        reachability.round_trip_us,
        text(reachability.cause),
        sample.fix_age_us,
        *(_NO_RADIO if sample.radio is None else _radio_row(sample.radio)),
        *(NO_FIX if sample.fix is None else fix_row(sample.fix)),
    )


def sample_from(row: Row) -> Sample:
    """Build a second from its columns followed by its place's columns."""
    utc_us, mono_us, reachable, round_trip_us, cause, fix_age_us = row[:6]
    radio_end = 6 + len(_RADIO)
    fix_end = radio_end + len(_FIX)
    return Sample(
        utc_us,
        mono_us,
        Reachability(bool(reachable), round_trip_us, None if cause is None else Cause(cause)),
        fix_from(row[radio_end:fix_end]),
        fix_age_us,
        _radio_from(row[6:radio_end]),
        place_from(row[fix_end:]),
    )


def event_row(event: Event) -> Row:
    return (str(event.kind), event.utc_us, event.mono_us, message_to_json(event.message))


def event_from(row: Row) -> Event:
    kind, utc_us, mono_us, message = row
    return Event(EventKind(kind), utc_us, mono_us, message_from_json(message))


def drive_row(drive: Drive) -> Row:
    """Columns of a drive without its end, which is a row of its own."""
    return (
        drive.drive_id,
        drive.started_utc_us,
        to_json(drive.plan),
        drive.position_uri,
        drive.radio_uri,
        drive.app_version,
        int(drive.replayed),
    )


def drive_from(row: Row) -> Drive:
    """Build a drive from its columns followed by the time of its end (or None)."""
    drive_id, started_utc_us, plan, position_uri, radio_uri, app_version, replayed, ended = row
    return Drive(
        drive_id,
        started_utc_us,
        msgspec.json.decode(plan, type=SurveyPlan),
        position_uri,
        radio_uri,
        app_version,
        bool(replayed),
        ended,
    )
