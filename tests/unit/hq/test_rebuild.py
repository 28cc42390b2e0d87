"""What the raw files alone can bring back, and what they cannot."""

import shutil
from pathlib import Path

import pytest

from fieldsurvey.hq.enrolment import keep_device_keys
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.rebuild import rebuild_archive, rebuild_ledger
from fieldsurvey.hq.station import open_station
from fieldsurvey.hq.verify import verify
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.rows import SCHEMA
from tests.support.hq_landing import land
from tests.support.hq_rows import payload_of
from tests.support.hq_server import enrolled, make_home
from tests.support.hq_values import Laptop


def _filled(folder: Path) -> tuple[Home, list[Laptop]]:
    """An HQ that holds two batches of each of two devices, merged, and one it cannot read."""
    home = make_home(folder)
    laptops = enrolled(home, 2)
    with open_station(home, SystemClock()) as station:
        keep_device_keys(home, station.ledger)
        for laptop in laptops:
            for n in range(2):
                land(station, laptop.seal(50, payload_of(50, 1 + 50 * n), SCHEMA))
        land(station, laptops[0].seal(5, b"from the future", "rows/99"))
        station.log.checkpoint()
    rebuild_archive(home, lambda _: None)
    return home, laptops


def _archive(home: Home) -> dict[str, bytes]:
    ledger = home.ledger()
    files = [one.path for one in ledger.archive_files()]
    ledger.close()
    return {path: (home.archive / path).read_bytes() for path in files}


def test_an_archive_made_again_is_the_same(tmp_path: Path) -> None:
    home, _ = _filled(tmp_path / "hq")
    before = _archive(home)
    assert before
    shutil.rmtree(home.archive)
    home.archive.mkdir()
    waiting: list[int] = []
    rows = rebuild_archive(home, waiting.append)
    assert rows > 0
    assert waiting
    assert _archive(home) == before
    with open_station(home, SystemClock()) as station:
        assert verify(station).findings == []
        assert station.ledger.counts().quarantined == 1


def test_a_lost_ledger_is_made_again_from_the_batches(tmp_path: Path) -> None:
    home, laptops = _filled(tmp_path / "hq")
    old = home.ledger()
    held = {(row.path, row.sha256, row.rows) for row in old.batch_rows()}
    old_origin = old.log_origin
    old.close()
    for path in home.folder.glob("ledger.sqlite*"):
        path.unlink()
    with pytest.raises(KnownError):
        home.ledger()

    made = rebuild_ledger(home)
    assert (made.adopted, made.devices, made.foreign, made.kept_as) == (5, 2, (), "")
    assert made.log_origin != old_origin
    rebuild_archive(home, lambda _: None)
    with open_station(home, SystemClock()) as station:
        assert {(row.path, row.sha256, row.rows) for row in station.ledger.batch_rows()} == held
        assert verify(station).findings == []
        station.log.check()
        for laptop in laptops:  # nobody has to enrol again
            known = station.ledger.devices.by_token(laptop.token)
            assert known is not None
            assert known.device == laptop.device
            assert not land(station, laptop.seal(50, payload_of(50, 101), SCHEMA)).replay


def test_what_is_left_of_a_ledger_is_kept(tmp_path: Path) -> None:
    home, _ = _filled(tmp_path / "hq")
    (home.folder / "ledger.sqlite").write_bytes(b"not a ledger")
    made = rebuild_ledger(home)
    assert (home.folder / made.kept_as).read_bytes() == b"not a ledger"
    assert made.adopted == 5
    (kept,) = home.log.glob("checkpoint-*")
    assert kept.read_text(encoding="utf-8").startswith("hq.test/log/")


def test_revoked_devices_stay_revoked(tmp_path: Path) -> None:
    home, (first, _) = _filled(tmp_path / "hq")
    with open_station(home, SystemClock()) as station:
        station.ledger.devices.revoke(first.device, station.clock.utc_us())
        keep_device_keys(home, station.ledger)
    rebuild_ledger(home)
    with open_station(home, SystemClock()) as station:
        again = station.ledger.devices.find(first.device)
        assert again is not None
        assert again.revoked_utc_us is not None
