"""What is encoded comes back equal, to the last bit."""

import dataclasses
import time
import tracemalloc
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldsurvey.model.drive import Event, EventKind, Sample
from fieldsurvey.model.messages import message
from fieldsurvey.model.position import Fix
from fieldsurvey.store.rows import FIX_COLUMNS, SAMPLE_COLUMNS, sample_row
from fieldsurvey.wire.rows import (
    DENSE_COLUMNS,
    DriveEnd,
    Row,
    count_rows,
    decode_rows,
    dense_and_records,
    dense_table,
    encode_rows,
)
from tests.support.store_values import START_UTC_US, a_drive, a_fix, a_sample, a_test, an_event
from tests.support.wire_strategies import row_lists

EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def numbered(*values: object, first_seq: int = 1) -> list[Row]:
    return [Row(first_seq + index, "d", value) for index, value in enumerate(values)]


def exact(value: object) -> object:
    """Return something that is equal only if types are, so that 2.0 is not 2."""
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return type(value), [exact(getattr(value, field.name)) for field in fields]
    if isinstance(value, dict):
        return {name: exact(argument) for name, argument in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [exact(part) for part in value]
    return type(value), repr(value)


def placeless(second: int, fix: Fix | None = None) -> Sample:
    return dataclasses.replace(a_sample(second), place=None, fix=fix)


@EXAMPLES
@given(rows=row_lists())
def test_any_rows(rows: list[Row]) -> None:
    payload = encode_rows(rows)
    decoded = decode_rows(payload)
    assert decoded == rows
    assert exact(decoded) == exact(rows)
    assert count_rows(payload) == len(rows)
    assert encode_rows(decoded) == payload


@EXAMPLES
@given(rows=row_lists())
def test_dense_table_is_the_samples_as_the_survey_file_has_them(rows: list[Row]) -> None:
    samples = [row for row in rows if isinstance(row.value, Sample)]
    table = dense_table(encode_rows(rows))
    assert table.column_names == list(DENSE_COLUMNS) == ["seq", "drive_id", *SAMPLE_COLUMNS]
    expected = [(row.seq, row.drive_id, *sample_row(row.value)) for row in samples]
    assert [tuple(found.values()) for found in table.to_pylist()] == expected


@EXAMPLES
@given(rows=row_lists())
def test_records_come_with_their_json(rows: list[Row]) -> None:
    records = [row for row in rows if not isinstance(row.value, Sample | Fix)]
    _, found = dense_and_records(encode_rows(rows))
    assert [row for row, _ in found] == records
    assert all(isinstance(msgspec.json.decode(json), dict) for _, json in found)


def test_a_sample_refers_to_its_fix() -> None:
    """The fix is written once, however many seconds it is the newest."""
    fix = dataclasses.replace(a_fix(1), latitude_deg=43.123456789012345, speed_mps=1 / 3)
    once = encode_rows(numbered(fix, placeless(1, fix)))
    often = encode_rows(numbered(fix, *(placeless(n, fix) for n in range(1, 101))))
    assert len(often) - len(once) < 400
    assert decode_rows(often)[100].value.fix == fix


def test_a_batch_that_begins_between_fix_and_sample_is_whole() -> None:
    old, new = a_fix(0.5), a_fix(1.5)
    rows = numbered(placeless(1, old), placeless(2, old), new, placeless(3, old), placeless(4, new))
    assert decode_rows(encode_rows(rows)) == rows
    latitudes = dense_table(encode_rows(rows)).column("fix_utc_us").to_pylist()
    assert latitudes == [old.utc_us, old.utc_us, old.utc_us, new.utc_us]


def test_place_is_derived_and_stays_at_home() -> None:
    (row,) = decode_rows(encode_rows(numbered(a_sample(1))))
    assert row.value == dataclasses.replace(a_sample(1), place=None)


def test_batches_without_samples_or_without_records() -> None:
    for rows in (
        numbered(a_drive("d")),
        numbered(DriveEnd(5)),
        numbered(a_fix(1)),
        numbered(placeless(1)),
    ):
        payload = encode_rows(rows)
        assert decode_rows(payload) == rows
        assert len(dense_table(payload)) == isinstance(rows[0].value, Sample)


def test_same_rows_same_bytes() -> None:
    test = a_test(2)
    rows = numbered(a_drive("d"), a_fix(1), placeless(1, a_fix(1)), test, an_event(3))
    assert encode_rows(rows) == encode_rows(list(rows))


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [Row(1, "d", DriveEnd(1)), Row(3, "d", DriveEnd(1))],
        [Row(2, "d", DriveEnd(1)), Row(1, "d", DriveEnd(1))],
        [Row(1, "d", dataclasses.replace(a_drive("d"), ended_utc_us=5))],
    ],
    ids=["none", "a gap", "backwards", "a drive with its end"],
)
def test_what_is_no_batch_is_a_bug(rows: list[Row]) -> None:
    with pytest.raises(ValueError, match=r"rows|row of its own"):
        encode_rows(rows)


@given(st.integers(2**63, 2**70) | st.integers(-(2**70), -(2**63) - 1))
def test_numbers_beyond_64_bits_are_not_cut(number: int) -> None:
    with pytest.raises(OverflowError):
        encode_rows(numbered(dataclasses.replace(a_fix(1), gnss_utc_us=number)))


def test_event_arguments_without_a_json_form_become_text() -> None:
    event = Event(EventKind.MARK, START_UTC_US, 0, message("x.y", at=Path("a") / "b"))
    (row,) = decode_rows(encode_rows(numbered(event)))
    assert row.value.message.args == {"at": str(Path("a") / "b")}


def test_an_hour_is_encoded_and_read_quickly() -> None:
    """7,200 rows; the bounds are those of a slow laptop, far above what is usual."""
    values = [v for n in range(1, 3601) for v in (a_fix(n, north_m=20.0 * n), placeless(n))]
    rows = numbered(*values)
    encode_rows(rows[:10])  # imports
    started_s = time.perf_counter()
    payload = encode_rows(rows)
    encoded_s = time.perf_counter()
    tracemalloc.start()
    try:
        assert len(dense_table(payload)) == 3600
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert encoded_s - started_s < 0.5
    assert peak_bytes < 20e6


def test_names_are_the_survey_files() -> None:
    assert set(FIX_COLUMNS) < set(DENSE_COLUMNS)
