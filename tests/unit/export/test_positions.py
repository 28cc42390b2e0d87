"""A track has a point where somebody was, once, and a line only where somebody drove."""

from collections.abc import Sequence

import pytest

from fieldsurvey.export.from_model import DriveRows, tables_from
from fieldsurvey.export.positions import track_pieces
from fieldsurvey.model.drive import Reachability, Sample
from fieldsurvey.model.position import FixFlag
from fieldsurvey.model.throughput import Cause
from tests.support.export_surveys import S, drive, fix, fresh, one_drive, resumed, sample


def segments(drives: Sequence[DriveRows]) -> list[list[float]]:
    """Seconds at which the points of each segment were."""
    found: list[list[float]] = []
    for piece, _rows in track_pieces(tables_from(drives).sample_pieces()):
        for row in piece.iter_rows(named=True):
            if row["begins_segment"]:
                found.append([])
            found[-1].append((row["mono_us"] - 7 * S) / S)
    return found


def test_one_segment_where_nothing_happens() -> None:
    assert segments(one_drive([fresh(s) for s in range(5)])) == [[0, 1, 2, 3, 4]]


def test_no_service_does_not_break_the_track() -> None:
    dead = Reachability(False, None, Cause.NO_ROUTE)
    samples = [fresh(0), sample(1, fix(0.9), reachability=dead), fresh(2)]
    assert segments(one_drive(samples)) == [[0, 1, 2]]


@pytest.mark.parametrize(("silence_s", "count"), [(4, 1), (5, 1), (6, 2), (60, 2)])
def test_a_gap_of_more_than_five_seconds_begins_a_segment(silence_s: int, count: int) -> None:
    last = fix(3)
    silent = [sample(3 + s, last) for s in range(silence_s)]
    assert len(segments(one_drive([*silent, sample(3 + silence_s, fix(3 + silence_s))]))) == count


def test_a_dead_receiver_is_a_gap_and_its_last_fix_one_point() -> None:
    last = fix(2)
    samples = [fresh(1), *(sample(s, last) for s in range(2, 30)), fresh(30)]
    assert segments(one_drive(samples)) == [[1, 2], [30]]


def test_fixes_that_are_old_when_they_are_first_seen_are_no_points() -> None:
    assert segments(one_drive([sample(3, fix(1)), sample(4, fix(1.999))])) == [[3]]


def test_no_fix_at_all_is_no_point() -> None:
    assert segments(one_drive([sample(0, None), sample(1, None)])) == []


@pytest.mark.parametrize("flag", [FixFlag.STALE, FixFlag.FROZEN])
def test_a_receiver_that_repeats_itself_gives_no_points(flag: FixFlag) -> None:
    samples = [
        fresh(0),
        *(fresh(s, flags=flag | FixFlag.INACCURATE) for s in range(1, 9)),
        fresh(9),
    ]
    assert segments(one_drive(samples)) == [[0], [9]]


def test_a_jump_begins_a_segment() -> None:
    samples = [fresh(0), fresh(1), fresh(2, flags=FixFlag.JUMP), fresh(3)]
    assert segments(one_drive(samples)) == [[0, 1], [2, 3]]


def test_a_resumed_drive_begins_a_segment_however_soon() -> None:
    drives = one_drive([fresh(0), fresh(1), fresh(2)], events=[resumed(1.5)])
    assert segments(drives) == [[0, 1], [2]]


def test_another_start_of_the_computer_begins_a_segment() -> None:
    rebooted = fix(2, mono_us=100)
    samples = [fresh(0), fresh(1), sample(2, rebooted, mono_us=200, fix_age_us=100)]
    assert [len(part) for part in segments(one_drive(samples))] == [2, 1]


def test_a_clock_set_back_breaks_nothing() -> None:
    samples: list[Sample] = [fresh(0), fresh(1)]
    later = fix(2, utc_us=1_000_000_000)
    samples.append(sample(2, later, utc_us=1_000_000_000))
    assert segments(one_drive(samples)) == [[0, 1, 2]]


def test_each_drive_has_its_own_segments() -> None:
    drives = [DriveRows(drive(n), [fresh(s) for s in range(3)]) for n in (1, 2)]
    assert segments(drives) == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize("latitude_deg", [float("nan"), 91.0, -90.5])
def test_what_is_no_place_on_earth_is_no_point(latitude_deg: float) -> None:
    assert segments(one_drive([fresh(0), fresh(1, latitude_deg=latitude_deg)])) == [[0]]


def test_segments_do_not_depend_on_how_the_rows_come_in_pieces() -> None:
    samples = [sample(s, fix(s - s % 3 - (20 if 30 < s < 40 else 0))) for s in range(3, 90)]
    tables = tables_from(one_drive(samples))
    (whole,) = tables.sample_pieces()
    expected = [
        (row["utc_us"], row["begins_segment"])
        for piece, _rows in track_pieces(iter([whole]))
        for row in piece.iter_rows(named=True)
    ]
    for size in (1, 2, 7):
        found = [
            (row["utc_us"], row["begins_segment"])
            for piece, _rows in track_pieces(whole.iter_slices(size))
            for row in piece.iter_rows(named=True)
        ]
        assert found == expected
