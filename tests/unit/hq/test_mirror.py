"""What is called durable lies on a second disk, and was read there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.hq import mirror as mirror_module
from fieldsurvey.hq.mirror import check_mirror, is_another_disk, mirror_once
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.model.clock import SystemClock
from tests.support.hq_landing import land
from tests.support.hq_server import enrolled, make_home
from tests.support.hq_values import Laptop
from tests.support.store_mounts import tiny_disk

NONE: frozenset[str] = frozenset()


@pytest.fixture
def second_disk(tmp_path: Path) -> Path:
    folder = tmp_path / "second"
    folder.mkdir()
    return folder


@pytest.fixture
def station(tmp_path: Path, second_disk: Path) -> Iterator[Station]:
    home = make_home(tmp_path / "hq", mirror=str(second_disk))
    with open_station(home, SystemClock()) as one:
        yield one


@pytest.fixture
def laptop(station: Station) -> Laptop:
    one = enrolled(station.home)[0]
    for _ in range(3):
        land(station, one.seal())
    return one


def _durable_upto(station: Station, laptop: Laptop) -> int:
    settings = station.home.settings
    state = station.ledger.epoch_state(
        laptop.device,
        laptop.epoch,
        durable_without_mirror=settings.durable_on_one_disk,
        checkpoint_note="",
    )
    return state.durable_upto


def _copies(second_disk: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(second_disk / "raw")): path.read_bytes()
        for path in second_disk.rglob("*.fsb")
    }


def test_batches_are_durable_once_they_are_copied(
    station: Station, laptop: Laptop, second_disk: Path
) -> None:
    assert _durable_upto(station, laptop) == -1
    report = mirror_once(station.ledger, station.home.raw_shelf(), second_disk, NONE)
    assert (report.copied, report.damaged) == (3, ())
    assert _durable_upto(station, laptop) == 2
    rows = list(station.ledger.batch_rows())
    assert _copies(second_disk) == {
        row.path: (station.home.raw / row.path).read_bytes() for row in rows
    }
    assert mirror_once(station.ledger, station.home.raw_shelf(), second_disk, NONE).copied == 0


def test_a_file_that_is_damaged_here_is_not_called_durable(
    station: Station, laptop: Laptop, second_disk: Path
) -> None:
    path = station.ledger.at([1])[0].path
    (station.home.raw / path).write_bytes(b"rot")
    report = mirror_once(station.ledger, station.home.raw_shelf(), second_disk, NONE)
    assert (report.copied, report.damaged) == (2, (path,))
    assert _durable_upto(station, laptop) == 0
    assert path not in _copies(second_disk)
    again = mirror_once(
        station.ledger, station.home.raw_shelf(), second_disk, frozenset(report.damaged)
    )
    assert (again.copied, again.damaged) == (0, ())


def test_a_copy_that_reads_otherwise_is_not_called_durable(
    station: Station, laptop: Laptop, second_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "digest_of", lambda _: "0" * 64)
    mirror_once(station.ledger, station.home.raw_shelf(), second_disk, NONE)
    assert _durable_upto(station, laptop) == -1


def test_a_second_disk_that_is_away_is_an_error(
    station: Station, laptop: Laptop, second_disk: Path
) -> None:
    mirror_once(station.ledger, station.home.raw_shelf(), second_disk, NONE)
    land(station, laptop.seal())
    second_disk.rename(second_disk.with_name("in a drawer"))
    second_disk.mkdir()  # its mount point
    with pytest.raises(OSError, match="second disk"):
        mirror_once(station.ledger, station.home.raw_shelf(), second_disk, NONE)
    assert list(second_disk.iterdir()) == []
    assert _durable_upto(station, laptop) == 2


@pytest.mark.root
def test_another_disk_is_told_from_another_folder(station: Station, tmp_path: Path) -> None:
    assert not is_another_disk(station.home.raw, tmp_path)
    with tiny_disk(tmp_path / "other", 100) as disk:
        assert is_another_disk(station.home.raw, disk)


def test_what_a_second_disk_lost_is_copied_again(
    station: Station, laptop: Laptop, second_disk: Path
) -> None:
    mirror_once(station.ledger, station.home.raw_shelf(), second_disk, NONE)
    path = station.ledger.at([1])[0].path
    (second_disk / "raw" / path).unlink()
    assert check_mirror(station.ledger, second_disk) == [path]
    assert _durable_upto(station, laptop) == 0
    assert mirror_once(station.ledger, station.home.raw_shelf(), second_disk, NONE).copied == 1
    assert check_mirror(station.ledger, second_disk) == []
    assert _durable_upto(station, laptop) == 2
