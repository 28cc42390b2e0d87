"""What is old goes, wherever it lies; what stays is as if the old had never come; the log knows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldsurvey.cli.shell import Shell
from fieldsurvey.hq.command import command as hq_command
from fieldsurvey.hq.home import Home, Settings
from fieldsurvey.hq.janitor import tidy
from fieldsurvey.hq.ledger_rows import set_states
from fieldsurvey.hq.merge import alone
from fieldsurvey.hq.mirror import check_mirror, mirror_once
from fieldsurvey.hq.rebuild import rebuild_archive
from fieldsurvey.hq.retention import due, expire
from fieldsurvey.hq.shelf import Folder
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.hq.verify import Verification, check_batches, verify
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.errors import KnownError
from tests.support.hq_landing import land
from tests.support.hq_server import enrolled, make_home
from tests.support.merge_hq import NOW_UTC_US, SmallHq, shuffled, troubled_fleet

DAY_US = 86_400_000_000
SHELL = Shell(lambda request: 0, lambda: False, lambda: None, "en")


def expired(hq: SmallHq, before_utc_us: int) -> int:
    home = Home(hq.folder, Settings("hq.test"))
    return len(expire(home, hq.ledger, before_utc_us, NOW_UTC_US + 9 * DAY_US).batches)


@pytest.mark.parametrize("seed", [1, 3])
def test_what_stays_is_as_if_the_rest_had_never_come(tmp_path: Path, seed: int) -> None:
    once = {one.sha256: one for one in troubled_fleet()}  # the same bytes again are no new batch
    fleet = shuffled(list(once.values()), seed)
    at = 3 + 3 * seed  # how many of them are old
    hq, oracle = SmallHq.create(tmp_path / "hq"), SmallHq.create(tmp_path / "oracle")
    hq.land(fleet[:at], NOW_UTC_US)
    hq.merge_all()
    hq.land(fleet[at:], NOW_UTC_US + 2 * DAY_US)
    hq.merge_all()
    whole = hq.tables()
    assert expired(hq, NOW_UTC_US + DAY_US) == at
    hq.merge_all()
    oracle.land(fleet[at:], NOW_UTC_US + 2 * DAY_US)
    oracle.merge_all()
    assert hq.tables() == oracle.tables() != whole
    left = sorted(path.name for path in hq.raw.rglob("*.fsb"))
    assert left == sorted(path.name for path in oracle.raw.rglob("*.fsb"))
    assert expired(hq, NOW_UTC_US + DAY_US) == 0
    assert rebuild_archive(Home(hq.folder, Settings("hq.test")), lambda _: None) > 0
    assert hq.tables() == oracle.tables()
    for one in (hq, oracle):
        one.ledger.close()


def test_what_waits_to_be_merged_is_kept(tmp_path: Path) -> None:
    hq = SmallHq.create(tmp_path)
    fleet = troubled_fleet()
    hq.land(fleet[:4], NOW_UTC_US)
    hq.merge_all()
    hq.land(fleet[4:7], NOW_UTC_US)
    assert len(due(hq.ledger, NOW_UTC_US + 1).batches) == 4
    assert len(due(hq.ledger, NOW_UTC_US).batches) == 0
    assert expired(hq, NOW_UTC_US + 1) == 4
    assert len(list(hq.raw.rglob("*.fsb"))) == hq.ledger.counts().waiting == 3
    hq.ledger.close()


def test_nothing_goes_while_somebody_merges(tmp_path: Path) -> None:
    hq = SmallHq.create(tmp_path)
    hq.land(troubled_fleet()[:2], NOW_UTC_US)
    hq.merge_all()
    with alone(Folder(hq.archive)), pytest.raises(KnownError) as caught:
        expired(hq, NOW_UTC_US + 1)
    assert caught.value.message.id == "hq_merge.busy"
    assert len(list(hq.raw.rglob("*.fsb"))) == 2
    hq.ledger.close()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """An HQ with a second disk, both of whose disks hold four batches of one laptop. They are no
    rows that the merge could read."""
    mirror = tmp_path / "second"
    (mirror / "raw").mkdir(parents=True)
    home = make_home(tmp_path / "hq", mirror=str(mirror), durable_without_mirror=False)
    (laptop,) = enrolled(home)
    with open_station(home, SystemClock()) as one:
        for _ in range(4):
            land(one, laptop.seal())
        mirror_once(one.ledger, home.raw_shelf(), mirror, frozenset())
        one.log.checkpoint()
        yield one


def let_go(station: Station, count: int) -> None:
    """Expire the oldest ``count`` batches."""
    times = [row.received_utc_us for row in station.ledger.batch_rows()]
    before_utc_us = times[count] if count < len(times) else times[-1] + 1
    expire(station.home, station.ledger, before_utc_us, station.clock.utc_us())


def files(station: Station) -> list[int]:
    """How many batches each disk holds."""
    folders = (station.home.raw, Path(station.home.settings.mirror) / "raw")
    return [len(list(folder.rglob("*.fsb"))) for folder in folders]


def test_both_disks_are_rid_of_it_and_no_laptop_sends_again(station: Station) -> None:
    row = next(station.ledger.batch_rows())
    question = {"durable_without_mirror": False, "checkpoint_note": ""}
    before = station.ledger.epoch_state(row.device, row.epoch, **question)
    log = station.ledger.history.leaves(0, 10)
    let_go(station, 2)
    assert files(station) == [2, 2]
    after = station.ledger.epoch_state(row.device, row.epoch, **question)
    assert (after.have, after.durable_upto) == (before.have, 3)
    assert station.ledger.history.leaves(0, 10) == log
    receipt = station.ledger.find(row.device, row.epoch, row.batch_no, row.sha256)
    assert receipt is not None
    assert [entry.what for entry in station.ledger.history.audit_entries()][-1] == "expired"


def test_nobody_calls_it_lost(station: Station) -> None:
    let_go(station, 2)
    result = verify(station)
    assert result.findings == []
    assert [note.id for note in result.notes] == ["hq.note_expired"]
    assert check_mirror(station.ledger, Path(station.home.settings.mirror)) == []
    assert station.ledger.unmirrored(10) == []
    tidied = tidy(station.home, station.ledger, station.landing, station.clock.utc_us)
    assert (tidied.damaged, tidied.adopted) == ((), 0)
    counts = station.ledger.counts()
    assert (counts.batches, counts.quarantined) == (4, 2)
    assert len(station.ledger.quarantined(10)) == 2
    station.ledger.forget_archive()
    assert station.ledger.counts().waiting == 2


def test_what_is_lost_otherwise_is_still_found(station: Station) -> None:
    let_go(station, 2)
    last = next(station.home.raw.rglob("3-*.fsb"))
    last.unlink()
    found = Verification()
    check_batches(station, found)
    assert [one.id for one in found.findings] == ["hq.finding_file_missing"]
    # Who deletes a file cannot pass it off as expired: no entry of the audit log covers it.
    with station.ledger.database.write() as connection:
        set_states(connection, [3], state="quarantined", code="expired", detail="")
    found = Verification()
    check_batches(station, found)
    assert [one.id for one in found.findings] == ["hq.finding_file_missing"]


def test_files_that_a_crash_left_go_the_next_time(station: Station) -> None:
    paths = [path for path in station.home.raw.rglob("*.fsb") if path.name.startswith(("0-", "1-"))]
    contents = [path.read_bytes() for path in paths]
    let_go(station, 2)
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    tidy(station.home, station.ledger, station.landing, station.clock.utc_us)
    assert files(station) == [4, 2]
    let_go(station, 2)
    assert files(station) == [2, 2]


def test_a_second_disk_that_is_not_there_is_told_and_caught_up_with(station: Station) -> None:
    mirror = Path(station.home.settings.mirror)
    mirror.rename(mirror.with_name("unplugged"))
    with pytest.raises(FileNotFoundError):
        let_go(station, 2)
    mirror.with_name("unplugged").rename(mirror)
    assert verify(station).findings == []
    let_go(station, 2)
    assert files(station) == [2, 2]


def hq(*words: object) -> Result:
    return CliRunner().invoke(hq_command, list(map(str, words)), obj=SHELL)


def set_days(folder: Path, days: int) -> None:
    path = folder / "hq.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("retention_days = 0", f"retention_days = {days}"))


def test_the_command_says_what_would_go_and_what_went(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, device = station.home.folder, next(station.ledger.batch_rows()).device
    refused = hq("retention", folder)
    assert refused.exit_code == 1 or isinstance(refused.exception, KnownError)
    set_days(folder, 30)
    assert "0 batches" in hq("retention", folder, "--dry-run").stderr
    later_us = station.clock.utc_us() + 31 * DAY_US
    monkeypatch.setattr(SystemClock, "utc_us", lambda self: later_us)
    tried = hq("retention", folder, "--dry-run")
    assert "4 batches (40 rows" in tried.stderr
    assert f"{device}: 4 batches" in tried.stdout
    assert files(station) == [4, 4]
    done = hq("retention", folder)
    assert done.exit_code == 0, done.output
    assert "with 8 files" in done.stderr
    assert files(station) == [0, 0]
    assert "0 batches" in hq("retention", folder).stderr


def test_a_negative_clock_is_no_setting() -> None:
    with pytest.raises(ValueError, match="retention_days"):
        Settings("hq", retention_days=-1)
