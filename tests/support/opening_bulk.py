"""A survey of a million seconds with tests, made by its own database from a few rows."""

import dataclasses
from pathlib import Path

from fieldsurvey.model.throughput import Cause
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.store_values import S, a_drive, a_sample, a_watched_test

_FEW = 1_000
_TEST_EVERY_S = 50


def write_long_survey(path: Path, seconds: int) -> Path:
    """Write ``seconds`` samples with fix, modem and place, and a test every fifty of them."""
    samples = [a_sample(n, Cause.NO_ROUTE if n % 10 == 0 else None) for n in range(_FEW)]
    tests = [
        dataclasses.replace(a_watched_test(n * _TEST_EVERY_S), confirms=None)
        for n in range(_FEW // _TEST_EVERY_S)
    ]
    with SurveyFile.create(path) as survey:
        survey.begin_drive(a_drive("long"))
        survey.append("long", samples=samples, tests=tests)
        connection = survey.connection
        (last,) = connection.execute("SELECT last_seq FROM survey").fetchone()
        copies = seconds // _FEW
        connection.execute("BEGIN")
        connection.execute("CREATE TEMP TABLE copy (n INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO copy VALUES (?)", [(n,) for n in range(1, copies)])
        later_us = _FEW * S
        for table, shifted in _TABLES.items():
            names = [name for (name,) in connection.execute(_NAMES, (table,))]
            values = [shifted.get(name, f"t.{name}") for name in map(_quoted, names)]
            connection.execute(
                f"INSERT INTO {table} ({', '.join(map(_quoted, names))})"
                f" SELECT {', '.join(values)} FROM {table} t, copy c ORDER BY c.n, 1",
                {"last": last, "later_us": later_us},
            )
        connection.execute("UPDATE survey SET last_seq = last_seq * :copies", {"copies": copies})
        connection.execute("COMMIT")
    return path


def _quoted(name: str) -> str:
    return f'"{name}"' if name in ("trigger", "end") else name


_NAMES = "SELECT name FROM pragma_table_info(?, 'main')"
_NEW_SEQ = "t.{} + c.n * :last"
_LATER = {
    name: f"t.{name} + c.n * :later_us"
    for name in (
        "utc_us", "mono_us", "fix_utc_us", "fix_mono_us", "radio_utc_us", "radio_mono_us",
        "started_utc_us", "started_mono_us", "ended_utc_us", "ended_mono_us",
    )
}  # fmt: skip
_ROW = {"seq": _NEW_SEQ.format("seq"), "row_key": "randomblob(16)", **_LATER}
_MOVED = {
    "fix_latitude_deg": "t.fix_latitude_deg + random() % 1000 / 1e9 + c.n * 1e-3",
    "fix_longitude_deg": "t.fix_longitude_deg + random() % 1000 / 1e9 + c.n * 1e-3",
    "fix_speed_mps": "abs(random()) % 30000 / 1e3",
    "radio_rsrp_dbm": "-80 - abs(random()) % 300 / 1e1",
}
_OF_TEST = {"test_seq": _NEW_SEQ.format("test_seq")}
_TABLES = {
    "sample": _ROW | _MOVED,
    "sample_place": {"sample_seq": _NEW_SEQ.format("sample_seq"), "chainage_m": "c.n * 100.125"},
    "test": _ROW | {"test_id": "t.test_id || c.n"},
    "phase": _OF_TEST,
    "estimate": _OF_TEST,
    "judgement": _OF_TEST,
    "test_place": _OF_TEST,
}
