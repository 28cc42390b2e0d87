"""The FCC's JSON of mobile speed tests (Broadband Data Collection, challenge and crowdsource data).

Durations are µs, ``bytes_sec`` bytes per second, times have seconds and a zone. Our laptops are
"Other" devices, which may lack what only a phone knows. Never a serial number of a device or card;
``contact`` is left to whoever hands the file in. Source: 86 FR 40830 and the FCC's data
specification, by the names that existing submissions use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from fieldsurvey.export.columns import with_drives
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.left_out_tests import LeftOutTests, Row, no_evidence, reasons_by
from fieldsurvey.export.positions import TEST_FIX_AGE_US
from fieldsurvey.export.radio_of_tests import WITHOUT_MODEM, with_radio
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.export.text import utc_iso
from fieldsurvey.model.radio import AccessType, RadioTechnology
from fieldsurvey.model.throughput import InterfaceKind, Mode, Outcome, Trigger

BITS_PER_BYTE = 8
DRIVING_MPS = 2.0  # faster than people walk
_GENERATIONS = {
    RadioTechnology.G2: "2G",
    RadioTechnology.G3: "3G",
    RadioTechnology.G4: "4G",
    RadioTechnology.G5_NSA: "5G",
    RadioTechnology.G5_SA: "5G",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fcc:
    """One submission for each test of a mobile link; the others are listed beside it."""

    name: str = "fcc"
    suffix: str = ".json"
    media_type: str = "application/json"
    companions: Mapping[str, Exporter] = field(
        default_factory=lambda: {"-left-out": LeftOutTests(left_out)}
    )

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write one submission a line."""
        head = {
            "submission_category": None,
            "contact": {"name": None, "email": None, "phone": None},
        }
        stream.write((json.dumps(head)[:-1] + ', "submissions": [').encode())
        versions = dict(tables.drives.select("drive_id", "app_version").iter_rows())
        written = 0
        for test in with_drives(tables, with_radio(tables)).iter_rows(named=True):
            if _missing(test) is None:
                said = json.dumps(_submission(test, versions), ensure_ascii=False)
                stream.write((",\n" if written else "\n").encode() + said.encode())
                written += 1
        stream.write(b"\n]}\n")
        progress(1.0)
        return Written(tests=written)


def left_out(tables: SurveyTables) -> dict[str, str]:
    """Return test id → what the format requires and the test does not have."""
    return reasons_by(tables, _missing)


def _missing(test: Row) -> str | None:
    if (reason := no_evidence(test)) is not None:
        return reason
    if _connection_type(test) is None:
        return "not_mobile"
    if not (test["operator"] or test["drive_operator"]):
        return "no_operator"
    if not (_has_position(test, "start") and _has_position(test, "end")):
        return "no_position"
    lengths_us = [test[f"{name}_duration_us"] for name in _phases(test)]
    if not lengths_us and _never_connected(test):
        lengths_us = [test["duration_us"]]
    if not lengths_us:
        return "no_transfer"
    return "no_duration" if None in lengths_us else None


def _phases(test: Row) -> list[str]:
    return [name for name in ("download", "upload") if test[f"{name}_outcome"] is not None]


def _never_connected(test: Row) -> bool:
    """Tell whether the network failed a test of throughput before its transfer."""
    return bool(test["no_service"]) and test["mode"] != Mode.PING and not _phases(test)


def _connection_type(test: Row) -> str | None:
    access = test["access_type"] or (test["drive_access_type"] if test["link"] is None else None)
    if access in WITHOUT_MODEM:
        return None
    if test["interface_kind"] == InterfaceKind.WIFI:
        return "wifi"
    if test["interface_kind"] == InterfaceKind.CELLULAR or access == AccessType.MOBILE:
        return "cell"
    return None


def _has_position(test: Row, end: str) -> bool:
    age_us = test[f"{end}_fix_age_us"]
    known = test[f"{end}_latitude_deg"] is not None
    return known and age_us is not None and age_us <= TEST_FIX_AGE_US


def _submission(test: Row, versions: Mapping[str, str]) -> Json:
    speed_mps = test["start_speed_mps"]
    driving = speed_mps is not None and speed_mps >= DRIVING_MPS
    code = test["operator_code"]
    return {
        "test_id": test["test_id"],
        "device_timestamp": utc_iso(test["started_utc_us"]),
        "server_timestamp": None,
        "server_source_ip_address": None,
        "server_source_port": None,
        "device_type": "Other",
        "manufacturer": None,
        "model": None,
        "operating_system": None,
        "device_tac": None,
        "device_id": None,
        "app_name": "FieldSurvey",
        "app_version": versions.get(test["drive_id"]),
        "provider_name": test["operator"] or test["drive_operator"],
        "sim_mobile_country_code": None,
        "sim_mobile_network_code": None,
        "net_mobile_country_code": code[:3] if code else None,
        "net_mobile_network_code": code[3:] if code else None,
        "in_vehicle_flag": True if driving else None,
        "environment_code": 1 if driving else None,
        "external_antenna_flag": None,
        "scheduled_test_flag": test["trigger"] != Trigger.HAND,
        "tests": {
            "download": _no_transfer(test)
            if _never_connected(test)
            else _transfer(test, "download"),
            "upload": _transfer(test, "upload"),
            "latency": _latency(test),
        },
    }


def _transfer(test: Row, name: str) -> Json | None:
    """Return a phase; without its warm-up where there was one. A failed one has no rate."""
    outcome = test[f"{name}_outcome"]
    if outcome is None:
        return None
    ramp_us, ramp_bytes = test[f"{name}_ramp_us"] or 0, test[f"{name}_ramp_bytes"] or 0
    rate_bps = test[f"{name}_bps"]
    return {
        **_head(test),
        "warmup_duration": test[f"{name}_ramp_us"],
        "warmup_bytes_transferred": test[f"{name}_ramp_bytes"],
        "duration": test[f"{name}_duration_us"] - ramp_us,
        "bytes_transferred": test[f"{name}_bytes"] - ramp_bytes,
        "bytes_sec": None if rate_bps is None else rate_bps // BITS_PER_BYTE,
        **_tail(test, succeeded=outcome == Outcome.COMPLETED),
    }


def _no_transfer(test: Row) -> Json:
    """Return the download that could not begin: it was tried for as long as the test lasted, and
    nothing of it came. There was no warm-up to tell of, and no rate."""
    return {
        **_head(test),
        "warmup_duration": None,
        "warmup_bytes_transferred": None,
        "duration": test["duration_us"],
        "bytes_transferred": 0,
        "bytes_sec": None,
        **_tail(test, succeeded=False),
    }


def _latency(test: Row) -> Json | None:
    """Return the round trips before the transfer; their median, since the mean is not kept."""
    count, lost = test["idle_latency_count"], test["idle_latency_lost"]
    if not count and not lost:
        return None
    median_us = test["idle_latency_p50_us"]
    return {
        **_head(test),
        "duration": None,
        "round_trip_time": None if median_us is None else round(median_us),
        "jitter": None,
        "packets_sent": (count or 0) + (lost or 0),
        "packets_received": count or 0,
        **_tail(test, succeeded=bool(count)),
    }


def _head(test: Row) -> Json:
    return {"timestamp": utc_iso(test["started_utc_us"])}


def _tail(test: Row, *, succeeded: bool) -> Json:
    return {
        "locations": [_location(test, "start"), _location(test, "end")],
        "cells": _cells(test),
        "targets": [test["server_url"]] if test["server_url"] else [],
        "connection_type": _connection_type(test),
        "success_flag": succeeded,
        "carrier_aggregation_flag": None,
        "network_connected_flag": None,
        "network_available_flag": None,
        "network_roaming_flag": None,
    }


def _location(test: Row, end: str) -> Json:
    when_us = test["started_utc_us"] if end == "start" else test["ended_utc_us"]
    return {
        "timestamp": utc_iso(when_us - test[f"{end}_fix_age_us"]),
        "latitude": test[f"{end}_latitude_deg"],
        "longitude": test[f"{end}_longitude_deg"],
        "horizontal_accuracy": test[f"{end}_accuracy_m"],
        "speed": test[f"{end}_speed_mps"],
        "speed_accuracy": None,
    }


def _cells(test: Row) -> list[Json]:
    generation = _GENERATIONS.get(test["technology"])
    if generation is None:
        return []
    values = {
        "timestamp": utc_iso(test["started_utc_us"]),
        "cell_id": test["cell_id"],
        "physical_cell_id": None,
        "cell_connection": None,
        "network_generation": generation,
        "network_subtype": test["technology"] if generation == "5G" else None,
        "signal_strength": None,
        "rssi": test["rssi_dbm"],
        "rsrp": test["rsrp_dbm"],
        "rsrq": test["rsrq_db"],
        "sinr": test["sinr_db"],
    }
    unknown = ("csi_rsrp", "csi_rsrq", "csi_sinr", "cqi", "spectrum_bandwidth", "arfcn")
    return [values | dict.fromkeys(unknown) | {"spectrum_band": test["band"]}]
