"""Archives that are made at once instead of merged, and people with a role."""

import time
from collections.abc import Iterable

import polars as pl

from fieldsurvey.hq.archive import Archive, days_of
from fieldsurvey.hq.archive_tables import TABLES
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.ledger_records import ArchiveFile
from fieldsurvey.sync.profile import Enrolment
from fieldsurvey.wire.keys import public_key_text
from tests.support.hq_server import Server
from tests.support.hq_values import Laptop

DAY_US = 86_400_000_000


def someone(home: Home, role: str) -> Laptop:
    """Enrol somebody with a role."""
    one = Laptop()
    enrol_as(home, one, role)
    return one


def enrol_as(home: Home, one: Laptop, role: str) -> None:
    """Enrol the owner of a key with a role."""
    now_utc_us = time.time_ns() // 1000
    ledger = home.ledger()
    try:
        code = ledger.devices.new_code(role, 1.0, now_utc_us)
        one.device, one.token = ledger.devices.enrol(code, one.public_key, now_utc_us)
    finally:
        ledger.close()


def revoke(home: Home, one: Laptop) -> None:
    """Believe somebody no longer."""
    ledger = home.ledger()
    try:
        assert ledger.devices.revoke(one.device, time.time_ns() // 1000)
    finally:
        ledger.close()


def frame(table: str, rows: Iterable[dict[str, object]]) -> pl.DataFrame:
    """Return rows of a table; what they do not say is null."""
    schema = TABLES[table]
    given = [{"time_quality": "good", "device": "d", "epoch": "e", **row} for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in given], schema)


def put_into(
    home: Home, frames: dict[str, pl.DataFrame], removed: Iterable[str] = ()
) -> list[ArchiveFile]:
    """Write frames to the archive, by days, and let the manifest name them instead of
    ``removed``."""
    archive = Archive(home.archive_shelf())
    added = [
        archive.write(table, day, rows)
        for table, one in frames.items()
        for day, rows in days_of(table, one)
    ]
    ledger = home.ledger()
    try:
        ledger.swap_archive(added, list(removed), [])
    finally:
        ledger.close()
    return added


def enrolment_of(server: Server, one: Laptop) -> Enrolment:
    """Return what somebody keeps who is enrolled at a real HQ."""
    ledger = server.home.ledger()
    try:
        origin = ledger.log_origin
    finally:
        ledger.close()
    key = public_key_text(server.home.key().public_key())
    url = f"http://127.0.0.1:{server.port}"
    return Enrolment(one.device, url, one.token, key, origin, one.public_key)
