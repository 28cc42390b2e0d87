"""Nothing is acknowledged that is not on the disk, and what is on the disk is never lost."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from fieldsurvey.hq import landing as landing_module
from fieldsurvey.hq import raw_files, shelf
from fieldsurvey.hq.janitor import tidy
from fieldsurvey.hq.landing import Landed, Refusal
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.wire.batch import SealedBatch
from tests.support.hq_landing import land
from tests.support.hq_server import enrolled, make_home
from tests.support.hq_values import Laptop
from tests.support.store_mounts import tiny_disk


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(make_home(tmp_path / "hq"), SystemClock()) as one:
        yield one


@pytest.fixture
def laptop(station: Station) -> Laptop:
    return enrolled(station.home)[0]


def _paths(station: Station) -> list[Path]:
    return [path for path in station.home.raw.rglob("*") if path.is_file()]


@pytest.mark.parametrize("piece_bytes", [1, 1_000, 130_000, 10_000_000])
def test_pieces_of_any_size_make_one_file(
    station: Station, laptop: Laptop, piece_bytes: int
) -> None:
    one = laptop.seal(payload=os.urandom(5_000 if piece_bytes == 1 else 400_000))
    landed = land(station, one, piece_bytes)
    assert landed.signed.receipt.sha256 == one.sha256
    (path,) = _paths(station)
    assert path.read_bytes() == one.content


def test_disk_order_is_content_name_ledger_receipt(
    station: Station, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace, append = os.fsync, Path.replace, Ledger.append

    def seen(word: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            done.append(word)
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(os, "fsync", seen("fsync", fsync))
    monkeypatch.setattr(Path, "replace", seen("rename", replace))
    monkeypatch.setattr(Ledger, "append", seen("ledger", append))
    monkeypatch.setattr(
        landing_module, "sign_receipt", seen("receipt", landing_module.sign_receipt)
    )
    land(station, laptop.seal())
    # The content; the name, in the folder of the epoch, of the device, of raw; then the rest.
    assert done == ["fsync", "rename", "fsync", "fsync", "fsync", "ledger", "receipt"]


class _CrashError(BaseException):
    """As if the process had ended here."""


@pytest.mark.parametrize("at", ["finish", "_sync_names", "append"])
def test_a_crash_before_the_ledger_loses_nothing(
    station: Station, laptop: Laptop, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise _CrashError

    kinds: dict[str, type] = {
        "finish": landing_module.SpoolFile,
        "_sync_names": shelf.Folder,
        "append": Ledger,
    }
    one = laptop.seal()
    with monkeypatch.context() as patched:
        patched.setattr(kinds[at], at, crash)
        with pytest.raises(_CrashError):
            land(station, one)
    assert station.ledger.history.size() == 0

    moved = at != "finish"
    tidied = tidy(station.home, station.ledger, station.landing, station.clock.utc_us)
    assert tidied.adopted == (1 if moved else 0)
    again = land(station, one)
    assert again.replay is moved
    assert station.ledger.history.size() == 1
    assert [path.read_bytes() for path in _paths(station)] == [one.content]


def test_a_ledger_that_fails_is_not_a_receipt(
    station: Station, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    one = laptop.seal()
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", fail)
        with pytest.raises(Refusal) as caught:
            land(station, one)
    assert (caught.value.status, caught.value.code) == (503, "ledger")
    assert caught.value.retry_after_s > 0
    assert not land(station, one).replay


@pytest.mark.root
def test_a_full_disk_is_told_and_leaves_nothing_half(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "small", 4_000) as disk:
        home = make_home(disk / "hq")
        (laptop,) = enrolled(home)
        batches = [laptop.seal(payload=os.urandom(200_000)) for _ in range(8)]
        filler = disk / "filler"
        with open_station(home, SystemClock()) as station:
            filler.write_bytes(bytes(shutil.disk_usage(disk).free - 900_000))
            outcomes = [_outcome(station, one) for one in batches]
            assert outcomes[0] == 201
            assert outcomes[-1] == 503
            assert set(outcomes) == {201, 503}
            assert list(home.spool.iterdir()) == []
            assert station.ledger.history.size() == outcomes.count(201)

            filler.unlink()  # room again: what was refused comes in, the rest was kept
            assert [_outcome(station, one) for one in batches] == [
                200 if outcome == 201 else 201 for outcome in outcomes
            ]
            assert sorted(path.read_bytes() for path in _paths(station)) == sorted(
                one.content for one in batches
            )


def _outcome(station: Station, one: SealedBatch) -> int:
    try:
        return 200 if land(station, one).replay else 201
    except Refusal as error:
        return error.status


def test_a_lost_or_damaged_file_is_healed_by_the_laptop(station: Station, laptop: Laptop) -> None:
    one, other = laptop.seal(), laptop.seal()
    first = land(station, one)
    land(station, other)
    path = station.home.raw / laptop.device / laptop.epoch / f"0-{one.sha256[:16]}.fsb"
    path.write_bytes(b"rot")
    tidied = tidy(station.home, station.ledger, station.landing, station.clock.utc_us)
    assert [Path(text).name for text in tidied.damaged] == [path.name]
    again = land(station, one)
    assert again == Landed(first.signed, replay=True)
    assert path.read_bytes() == one.content
    path.unlink()
    land(station, one)
    assert path.read_bytes() == one.content


def test_a_name_made_to_collide_overwrites_nothing(
    station: Station, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever spends days on two batches with the same 16 digits gets two files."""
    monkeypatch.setattr(raw_files.RawFiles, "_collides", lambda *_: True)
    one, other = laptop.sealed(0, 1, 5, b"one"), laptop.sealed(0, 1, 5, b"other")
    land(station, one)
    (path,) = _paths(station)
    path.rename(path.with_name(f"0-{other.sha256[:16]}.fsb"))  # what a collision looks like
    land(station, other)
    assert sorted(path.read_bytes() for path in _paths(station)) == sorted(
        (one.content, other.content)
    )


def test_start_up_removes_old_leftovers_only(station: Station) -> None:
    old, new = station.home.spool / "a.part", station.home.spool / "b.part"
    for path in (old, new):
        path.write_bytes(b"half a batch")
    two_hours_ago_s = station.clock.utc_us() / 1e6 - 7200
    os.utime(old, (two_hours_ago_s, two_hours_ago_s))
    tidied = tidy(station.home, station.ledger, station.landing, station.clock.utc_us)
    assert tidied.spool_files_removed == 1
    assert list(station.home.spool.iterdir()) == [new]


def test_files_that_no_device_sealed_are_told_and_left(station: Station, laptop: Laptop) -> None:
    stranger = Laptop().seal()
    folder = station.home.raw / stranger.header.device / stranger.header.epoch
    folder.mkdir(parents=True)
    path = folder / f"0-{stranger.sha256[:16]}.fsb"
    path.write_bytes(stranger.content)
    tidied = tidy(station.home, station.ledger, station.landing, station.clock.utc_us)
    assert tidied.adopted == 0
    assert [Path(text).name for text in tidied.foreign] == [path.name]
    assert path.read_bytes() == stranger.content
