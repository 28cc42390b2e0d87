"""Everything that landed is in the archive once, whatever the order and whatever breaks."""

import dataclasses
import errno
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from fieldsurvey.hq import compaction, merge
from fieldsurvey.hq.archive import Archive
from fieldsurvey.hq.archive_tables import TABLES
from fieldsurvey.hq.shelf import Folder
from fieldsurvey.model.drive import Sample
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.position import Fix
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store.lock import SurveyLock
from fieldsurvey.wire.batch import SealedBatch
from fieldsurvey.wire.rows import Row
from tests.support.merge_hq import (
    DEVICES,
    EPOCHS,
    NOW_UTC_US,
    SmallHq,
    cut,
    shuffled,
    small_drive,
    troubled_fleet,
)
from tests.support.store_values import S, a_fix
from tests.support.wire_batches import sealed


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[SmallHq]:
    small = SmallHq.create(tmp_path / "hq")
    yield small
    small.ledger.close()


@pytest.fixture(scope="module")
def merged_plainly(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    """What the troubled fleet comes to when it is merged all at once, in order."""
    small = SmallHq.create(tmp_path_factory.mktemp("plainly") / "hq")
    small.land(troubled_fleet())
    small.merge()
    tables = small.tables()
    small.ledger.close()
    return tables


def seconds(rows: list[Row]) -> list[Sample]:
    return [row.value for row in rows if isinstance(row.value, Sample)]


def test_every_row_is_there_with_its_origin(hq: SmallHq) -> None:
    rows = small_drive(1)
    hq.land(cut(rows, [20, 99], DEVICES[0], EPOCHS[0]))
    report = hq.merge()
    assert (report.batches, report.quarantined) == (2, 0)
    samples, tests = hq.table("samples"), hq.table("tests")
    assert list(samples.columns) == list(TABLES["samples"])
    expected = [row for row in rows if isinstance(row.value, Sample)]
    assert samples["seq"].to_list() == [row.seq for row in expected]
    assert samples["mono_us"].to_list() == [row.value.mono_us for row in expected]
    assert samples["fix_latitude_deg"].to_list() == [
        None if row.value.fix is None else row.value.fix.latitude_deg for row in expected
    ]
    assert set(samples["device"]) == {DEVICES[0]}
    assert set(samples["epoch"]) == {EPOCHS[0]}
    assert set(samples["drive_id"]) == {rows[0].drive_id}
    assert set(samples["replayed"]) == {False}
    assert tests["test_id"].to_list() == [
        row.value.test_id for row in rows if isinstance(row.value, ThroughputTest)
    ]
    assert hq.table("drives")["replayed"].to_list() == [False]
    assert hq.table("events")["kind"].to_list() == ["drive_end"]
    others = sum(not isinstance(row.value, Fix) for row in rows)
    assert report.rows == others == sum(len(hq.table(name)) for name in hq.tables())


def test_times_are_the_receivers(hq: SmallHq) -> None:
    rows = small_drive(1)
    hq.land(cut(rows, [99], DEVICES[0], EPOCHS[0]))
    hq.merge()
    for ts_utc_us, sample in zip(hq.table("samples")["ts_utc_us"], seconds(rows), strict=True):
        gnss = sample.fix.gnss_utc_us + sample.fix_age_us
        assert ts_utc_us == gnss
    assert set(hq.table("samples")["time_quality"]) == {"gnss"}
    assert set(hq.table("tests")["time_quality"]) == {"gnss"}


def test_cells_follow_the_position(hq: SmallHq) -> None:
    import h3

    rows = small_drive(1)
    without = dataclasses.replace(seconds(rows)[0], fix=None, fix_age_us=None)
    rows = [
        dataclasses.replace(row, value=without) if row.value == seconds(rows)[0] else row
        for row in rows
    ]
    hq.land(cut(rows, [99], DEVICES[0], EPOCHS[0]))
    hq.merge()
    for row in hq.table("samples").iter_rows(named=True):
        if row["fix_latitude_deg"] is None:
            assert (row["h3_5"], row["h3_7"], row["h3_9"]) == (None, None, None)
            continue
        cell = h3.latlng_to_cell(row["fix_latitude_deg"], row["fix_longitude_deg"], 9)
        assert row["h3_9"] == h3.str_to_int(cell)
        assert row["h3_7"] == h3.str_to_int(h3.cell_to_parent(cell, 7))
        assert row["h3_5"] == h3.str_to_int(h3.cell_to_parent(cell, 5))
    assert hq.table("samples")["h3_9"].null_count() == 1


def test_an_old_fix_places_nothing(hq: SmallHq) -> None:
    """The car has driven on: a cell from before the tunnel would be a wrong one."""
    rows = small_drive(1)
    first, second = seconds(rows)[:2]
    aged = {
        first: dataclasses.replace(first, fix_age_us=5_000_001),
        second: dataclasses.replace(second, fix_age_us=5_000_000),
    }
    rows = [
        dataclasses.replace(row, value=aged[row.value]) if row.value in aged else row
        for row in rows
        if not isinstance(row.value, ThroughputTest)
    ]
    rows = [dataclasses.replace(row, seq=n) for n, row in enumerate(rows, 1)]
    hq.land(cut(rows, [99], DEVICES[0], EPOCHS[0]))
    hq.merge()
    placed = {
        row["fix_age_us"]: row["h3_9"] is not None
        for row in hq.table("samples").iter_rows(named=True)
    }
    assert placed[5_000_001] is False
    assert placed[5_000_000] is True


def test_a_test_is_a_row_that_says_it_all(hq: SmallHq) -> None:
    rows = small_drive(1)
    hq.land(cut(rows, [99], DEVICES[0], EPOCHS[0]))
    hq.merge()
    test = next(row.value for row in rows if isinstance(row.value, ThroughputTest))
    (found,) = hq.table("tests").filter(pl.col("test_id") == test.test_id).to_dicts()
    estimate = test.measurement.phases[2].estimate
    assert (found["download_bps"], found["download_low_bps"]) == (
        estimate.rate_bps,
        estimate.low_bps,
    )
    assert found["upload_bps"] is None
    assert (found["verdict"], found["target_id"]) == ("above", "national-100")
    assert found["start_latitude_deg"] == test.start_fix.latitude_deg
    assert found["end_highway_ref"] == test.end_place.highway_ref
    assert found["limits"] == '["wifi","other_traffic"]'
    assert '"arrivals":{' in found["json"]
    assert found["ended_ts_utc_us"] - found["ts_utc_us"] == 2_200_000


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_any_grouping_comes_to_the_same(
    hq: SmallHq, merged_plainly: dict[str, list[tuple[object, ...]]], seed: int
) -> None:
    chance = random.Random(seed)
    waiting = shuffled(troubled_fleet(), seed)
    while waiting or hq.ledger.counts().waiting:
        arriving = chance.randrange(4)
        hq.land(waiting[:arriving])
        del waiting[:arriving]
        hq.merge(chance.randrange(1, 5))
    assert hq.tables() == merged_plainly


def test_rebuilding_comes_to_the_same(
    hq: SmallHq, merged_plainly: dict[str, list[tuple[object, ...]]]
) -> None:
    hq.land(shuffled(troubled_fleet(), 77))
    hq.merge_all(3)
    hq.ledger.forget_archive()
    hq.merge_all(2)
    assert hq.tables() == merged_plainly


def test_what_came_twice_is_there_once(
    merged_plainly: dict[str, list[tuple[object, ...]]],
) -> None:
    """Restored, cloned and rescued rows: as many seconds as were driven, each once."""
    names = list(TABLES["samples"])
    drive_at, mono_at = names.index("drive_id"), names.index("mono_us")
    rows = [(row[drive_at], row[mono_at]) for row in merged_plainly["samples"]]
    assert len(rows) == len(set(rows))
    driven = [
        (drive[0].drive_id, sample.mono_us)
        for drive in (small_drive(n) for n in range(1, 7))
        for sample in seconds(drive)
    ]
    assert set(rows) == set(driven)
    tests = [row[list(TABLES["tests"]).index("test_id")] for row in merged_plainly["tests"]]
    assert len(tests) == len(set(tests))


def test_a_replay_is_no_evidence_even_if_that_is_learnt_late(hq: SmallHq) -> None:
    first, *others = cut(small_drive(2, replayed=True), [1, 20, 99], DEVICES[1], EPOCHS[1])
    hq.land(others)
    hq.merge()
    assert set(hq.table("samples")["replayed"]) == {None}
    hq.land([first])
    hq.merge()
    for name in ("samples", "tests", "events", "drives"):
        assert set(hq.table(name)["replayed"]) == {True}, name
    late = cut(small_drive(2, replayed=True), [1, 20, 99], DEVICES[1], EPOCHS[1])
    assert hq.ledger.counts().waiting == 0
    assert len(hq.table("samples")) == len(seconds(small_drive(2))), late


def test_a_test_keeps_the_operator_of_its_link(hq: SmallHq) -> None:
    """Of several links in one drive: those of the plan are for tests that name none."""
    drive, *rest = small_drive(2)
    plan = dataclasses.replace(drive.value.plan, operator="Kcell")
    rows = [dataclasses.replace(drive, value=dataclasses.replace(drive.value, plan=plan))]
    own = iter(("Beeline",))
    for row in rest:
        value = row.value
        if isinstance(value, ThroughputTest):
            value = dataclasses.replace(value, operator=next(own, ""))
        rows.append(dataclasses.replace(row, value=value))
    wanted = ["Beeline", "Kcell"]
    first, *others = cut(rows, [1, 20, 99], DEVICES[1], EPOCHS[1])
    hq.land(others)
    hq.merge()
    assert hq.table("tests")["operator"].to_list() == ["Beeline", None]
    hq.land([first, *cut(rows, [99], DEVICES[2], EPOCHS[2])])
    hq.merge()
    tests = hq.table("tests").sort("started_mono_us")
    assert tests["operator"].to_list() == wanted
    assert set(hq.table("samples")["operator"]) == {"Kcell"}


def test_batches_wait_for_the_row_of_their_drive(hq: SmallHq) -> None:
    """Rewriting the archive for each batch that overtook another would take for ever."""
    first, *others = cut(small_drive(2), [1, 20, 99], DEVICES[1], EPOCHS[1])
    hq.land(others)
    report = hq.merge(patient_since_utc_us=NOW_UTC_US - 1)
    assert (report.batches, report.postponed) == (0, 2)
    hq.land([first])
    report = hq.merge(patient_since_utc_us=NOW_UTC_US - 1)
    assert (report.batches, report.postponed, report.files_removed) == (3, 0, 0)
    hq.land(cut(small_drive(3)[5:], [99], DEVICES[2], EPOCHS[2]))
    assert hq.merge(patient_since_utc_us=NOW_UTC_US + 1).batches == 1  # has waited long enough
    hq.land(cut(small_drive(4)[5:], [10, 10], DEVICES[3], EPOCHS[3]))
    assert hq.merge(2, patient_since_utc_us=NOW_UTC_US - 1).batches == 2  # nobody else gets past


def altered(batch: SealedBatch, at: int) -> bytes:
    content = bytearray(batch.content)
    content[at] ^= 1
    return bytes(content)


def test_trouble_of_this_computer_sets_nothing_aside(
    hq: SmallHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many open files, a disk that does not answer: that says nothing about the batch."""
    hq.land(cut(small_drive(1), [99], DEVICES[0], EPOCHS[0]))

    def fail(_: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as trouble:
        trouble.setattr(Path, "read_bytes", fail)
        with pytest.raises(OSError, match="Too many"):
            hq.merge()
    assert len(hq.ledger.unmerged(9)) == 1
    assert hq.merge().batches == 1


def test_what_cannot_be_used_is_set_aside_and_holds_nobody_up(hq: SmallHq) -> None:
    fix = a_fix(3)
    sample = seconds(small_drive(1))[5]
    wrong_samples = {
        "latitude": dataclasses.replace(sample, fix=dataclasses.replace(fix, latitude_deg=91.0)),
        "longitude": dataclasses.replace(
            sample, fix=dataclasses.replace(fix, longitude_deg=-181.0)
        ),
        "nan": dataclasses.replace(sample, fix=dataclasses.replace(fix, altitude_m=float("nan"))),
        "year": dataclasses.replace(sample, utc_us=-1),
        "age": dataclasses.replace(sample, fix_age_us=-5),
        "no cause": dataclasses.replace(
            sample,
            reachability=dataclasses.replace(sample.reachability, reachable=False, cause=None),
        ),
    }
    good = cut(small_drive(1), [99], DEVICES[0], EPOCHS[0])
    bad = [
        sealed([Row(1, "d", value)], device=DEVICES[1], epoch=EPOCHS[n])
        for n, value in enumerate(wrong_samples.values())
    ]
    newer = sealed(small_drive(2), device=DEVICES[2], epoch=EPOCHS[0], schema="rows/2")
    nonsense = sealed(small_drive(2), b"nonsense", device=DEVICES[3], epoch=EPOCHS[0])
    fewer = sealed(
        small_drive(2)[:9], sealed(small_drive(2)).payload, device=DEVICES[4], epoch=EPOCHS[0]
    )
    damaged, missing = (cut(small_drive(n), [99], DEVICES[n], EPOCHS[0])[0] for n in (5, 6))
    hq.land([*bad, newer, nonsense, fewer, damaged, missing, *good])
    paths = [row.path for row in hq.ledger.batch_rows()]
    (hq.raw / paths[9]).write_bytes(altered(damaged, 700))
    (hq.raw / paths[10]).unlink()
    report = hq.merge()
    assert (report.batches, report.quarantined) == (1, 11)
    assert hq.codes() == dict.fromkeys(range(6), "range") | {
        6: "schema", 7: "payload", 8: "payload", 9: "damaged", 10: "damaged",
    }  # fmt: skip
    assert len(hq.table("samples")) == len(seconds(small_drive(1)))


class KilledError(BaseException):
    """The process ends here."""


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch, hq: SmallHq) -> None:
    """End the process before the ``step``-th thing that is done to disk or ledger."""
    steps = iter(range(step))

    def before(work: Callable[..., object]) -> Callable[..., object]:
        def killed(*arguments: object, **named: object) -> object:
            if next(steps, None) is None:
                raise KilledError
            return work(*arguments, **named)

        return killed

    for name in ("write", "retire"):
        monkeypatch.setattr(Archive, name, before(getattr(Archive, name)))
    for name in ("swap_archive", "quarantine"):
        monkeypatch.setattr(hq.ledger, name, before(getattr(hq.ledger, name)))


def test_killed_anywhere_nothing_is_lost_or_doubled(
    tmp_path: Path, merged_plainly: dict[str, list[tuple[object, ...]]]
) -> None:
    batches = shuffled(troubled_fleet(), 5)
    step, finished = 0, False
    while not finished:
        small = SmallHq.create(tmp_path / str(step))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compaction, "MOST_FILES", 2)
            small.land(batches[:6])
            small.merge()
            small.land(batches[6:])
            with pytest.MonkeyPatch.context() as killing:
                killed_at(step, killing, small)
                try:
                    small.merge_all(7)
                    finished = True
                except KilledError:
                    pass
            small.merge_all(4)
        assert small.tables() == merged_plainly, step
        small.ledger.close()
        step += 4
    assert step > 30


def test_a_full_disk_changes_nothing(hq: SmallHq, monkeypatch: pytest.MonkeyPatch) -> None:
    hq.land(cut(small_drive(1), [30, 99], DEVICES[0], EPOCHS[0]))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pl.DataFrame, "write_parquet", full)
        with pytest.raises(OSError, match="No space"):
            hq.merge()
    assert hq.ledger.archive_files() == []
    assert [*hq.archive.rglob("*.part")] == []
    assert hq.merge().batches == 2


def test_many_small_files_become_few(hq: SmallHq, monkeypatch: pytest.MonkeyPatch) -> None:
    for batch in cut(small_drive(1), [4] * 30, DEVICES[0], EPOCHS[0]):
        hq.land([batch])
        hq.merge()
        assert len(hq.ledger.archive_files("samples")) <= compaction.MOST_FILES
    assert len(hq.table("samples")) == len(seconds(small_drive(1)))
    monkeypatch.setattr(compaction, "FULL_ROWS", 5)
    monkeypatch.setattr(compaction, "MOST_FILES", 1)
    hq.land(cut(small_drive(2), [12] * 9, DEVICES[1], EPOCHS[1]))
    hq.merge_all(1)
    assert max(file.rows for file in hq.ledger.archive_files("samples")) < 40
    assert len(hq.table("samples")) == 2 * len(seconds(small_drive(1)))


def test_files_are_sorted_by_cell_and_time_and_kept_by_day(hq: SmallHq) -> None:
    hq.land(cut(small_drive(1), [99], DEVICES[0], EPOCHS[0]))
    hq.merge()
    (file,) = hq.ledger.archive_files("samples")
    assert file.path.startswith("samples/2025-10-09/")
    assert file.day == "2025-10-09"
    frame = pl.read_parquet(hq.archive / file.path)
    keys = frame.select("h3_9", "ts_utc_us").rows()
    assert keys == sorted(keys)
    assert (file.min_ts_utc_us, file.max_ts_utc_us) == (
        frame["ts_utc_us"].min(),
        frame["ts_utc_us"].max(),
    )
    assert file.rows == len(frame)
    assert file.bytes == (hq.archive / file.path).stat().st_size


def test_rows_of_a_wrong_clock_have_no_day(hq: SmallHq) -> None:
    rows = [
        dataclasses.replace(
            row, value=dataclasses.replace(row.value, fix=None, fix_age_us=None, utc_us=n * S)
        )
        for n, row in enumerate(small_drive(1))
        if isinstance(row.value, Sample)
    ]
    rows = [dataclasses.replace(row, seq=1 + n) for n, row in enumerate(rows)]
    hq.land([sealed(rows, device=DEVICES[0], epoch=EPOCHS[0])])
    hq.merge()
    (file,) = hq.ledger.archive_files("samples")
    assert file.day == "undated"
    assert set(hq.table("samples")["time_quality"]) == {"doubtful"}


def test_orphans_go_after_their_grace(hq: SmallHq) -> None:
    hq.land(cut(small_drive(1), [99], DEVICES[0], EPOCHS[0]))
    hq.merge()
    named = {file.path for file in hq.ledger.archive_files()}
    orphan = hq.archive / "samples" / "2025-10-09" / "0123456789abcdef.parquet"
    orphan.write_bytes(b"x")
    (orphan.parent / "left.part").write_bytes(b"x")
    archive = Archive(Folder(hq.archive))
    assert archive.remove_orphans(named) == 0
    assert archive.remove_orphans(named, older_than_s=-1) == 2
    assert {
        path.relative_to(hq.archive).as_posix() for path in hq.archive.rglob("*.parquet")
    } == named


def test_files_that_no_longer_count_stay_for_readers(hq: SmallHq) -> None:
    first, second = cut(small_drive(2), [1, 99], DEVICES[1], EPOCHS[1])
    hq.land([second])
    hq.merge()
    before = {file.path for file in hq.ledger.archive_files("samples")}
    hq.land([first])
    hq.merge()
    assert before.isdisjoint(file.path for file in hq.ledger.archive_files("samples"))
    assert all((hq.archive / path).exists() for path in before)


def test_two_do_not_merge_at_once(hq: SmallHq) -> None:
    hq.land(cut(small_drive(1), [99], DEVICES[0], EPOCHS[0]))
    lock = SurveyLock(hq.archive / "merge")
    try:
        with pytest.raises(KnownError) as busy:
            hq.merge()
        assert busy.value.message.id == "hq_merge.busy"
    finally:
        lock.release()
    assert hq.merge().batches == 1


def test_an_archive_that_is_rebuilt_meanwhile_is_left_alone(
    hq: SmallHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written for a manifest that is no more does not count."""
    first, second = cut(small_drive(2), [1, 99], DEVICES[1], EPOCHS[1])
    hq.land([second])
    hq.merge()
    hq.land([first])
    swap = hq.ledger.swap_archive

    def forgotten(*arguments: object) -> None:
        hq.ledger.forget_archive()
        swap(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(hq.ledger, "swap_archive", forgotten)
        with pytest.raises(KnownError) as busy:
            hq.merge()
    assert busy.value.message.id == "hq_merge.busy"
    assert hq.ledger.archive_files() == []
    hq.merge_all()
    assert len(hq.table("samples")) == len(seconds(small_drive(2)))


def test_not_more_is_held_at_a_time_than_fits(hq: SmallHq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "MOST_ROWS", 40)
    hq.land(cut(small_drive(1), [30, 8, 99], DEVICES[0], EPOCHS[0]))
    assert hq.merge().batches == 2
    assert hq.merge().batches == 1
    assert len(hq.table("samples")) == len(seconds(small_drive(1)))


def test_a_drive_that_was_never_disturbed_is_written_once(
    hq: SmallHq, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The common path reads no rows of the archive again."""
    opened: list[str] = []
    read = Archive.read

    def spied(self: Archive, file: object, *arguments: object) -> pl.DataFrame:
        opened.append(file.table)
        return read(self, file, *arguments)

    monkeypatch.setattr(Archive, "read", spied)
    for batch in cut(small_drive(1), [20, 20, 99], DEVICES[0], EPOCHS[0]):
        hq.land([batch])
        assert hq.merge().files_removed == 0
    assert set(opened) == {"pieces"}
