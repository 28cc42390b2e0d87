"""Whoever sends a payload may mean harm: it becomes rows, or a WireError, and never much memory."""

import dataclasses
import io
import random
from collections.abc import Callable

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldsurvey.wire.batch import parse_batch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.rows import (
    Row,
    count_rows,
    decode_rows,
    dense_and_records,
    dense_table,
    encode_rows,
)
from tests.support.store_values import a_drive, a_fix, a_sample, a_test, an_event
from tests.support.wire_batches import sealed

PROPERTIES = b'{"decimals":{},"schema":"rows/1"}'
READERS: list[Callable[[bytes], object]] = [decode_rows, dense_table, dense_and_records]


def some_rows() -> list[Row]:
    fix = a_fix(1)
    sample = dataclasses.replace(a_sample(1), fix=fix, place=None)
    values = [a_drive("d"), fix, sample, an_event(2), a_test(3), a_fix(4)]
    return [Row(1 + index, "d", value) for index, value in enumerate(values)]


def written(
    columns: dict[str, object],
    *,
    properties: bytes | None = PROPERTIES,
    **options: object,
) -> bytes:
    """Write a Parquet file as a stranger might."""
    table = pa.table(columns)
    options = {"compression": "zstd", "write_page_checksum": True, "use_dictionary": True} | options
    groups = options.pop("row_group_size", max(1, len(table)))
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema, store_schema=False, **options) as writer:
        writer.write_table(table, row_group_size=groups)
        if properties is not None:
            writer.add_key_value_metadata({b"fieldsurvey": properties})
    return sink.getvalue()


def ends(count: int, **others: object) -> dict[str, object]:
    """Columns of so many ends of drives."""
    return {
        "seq": pa.array(range(1, count + 1), pa.int64()),
        "drive_id": ["d"] * count,
        "kind": ["drive_end"] * count,
        "record": ['{"ended_utc_us":5}'] * count,
    } | others


PLAIN_RECORD = {"use_dictionary": ["drive_id", "kind"]}


def fixes(count: int, **others: object) -> dict[str, object]:
    whole = pa.array([1] * count, pa.int64())
    return {
        "seq": pa.array(range(1, count + 1), pa.int64()),
        "drive_id": ["d"] * count,
        "kind": ["fix"] * count,
        "fix_mono_us": whole,
        "fix_utc_less_mono_us": whole,
        "fix_latitude_deg": [43.0] * count,
        "fix_longitude_deg": [77.0] * count,
        "fix_type": whole,
        "fix_flags": pa.array([0] * count, pa.int64()),
    } | others


def samples(**others: object) -> dict[str, object]:
    """A fix, and a sample that refers to it."""
    pair = fixes(2, kind=["fix", "sample"])
    for name, column in pair.items():
        if name.startswith("fix_"):
            pair[name] = pa.array([pa.array(column)[0].as_py(), None])
    one = pa.array([None, 1], pa.int64())
    reachable = pa.array([None, True])
    return (
        pair
        | {
            "mono_us": one,
            "utc_less_mono_us": one,
            "reachable": reachable,
            "fix_back": one,
        }
        | others
    )


def test_a_stranger_who_keeps_to_the_format_is_understood() -> None:
    assert [row.value.ended_utc_us for row in decode_rows(written(ends(3), **PLAIN_RECORD))] == [
        5
    ] * 3
    fix, sample = decode_rows(written(samples()))
    assert sample.value.fix == fix.value
    assert len(dense_table(written(fixes(2)))) == 0


INT = pa.int64()
REFUSED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "not Parquet": lambda: b"PAR1" + bytes(100) + b"PAR1",
    "no properties": lambda: written(ends(1), properties=None, **PLAIN_RECORD),
    "another schema": lambda: written(
        ends(1), properties=b'{"decimals":{},"schema":"rows/2"}', **PLAIN_RECORD
    ),
    "properties not canonical": lambda: written(
        ends(1), properties=b'{"schema":"rows/1", "decimals":{}}', **PLAIN_RECORD
    ),
    "decimals of a word": lambda: written(
        ends(1), properties=b'{"decimals":{"kind":1},"schema":"rows/1"}', **PLAIN_RECORD
    ),
    "absurd decimals": lambda: written(
        fixes(1), properties=b'{"decimals":{"fix_hdop":400},"schema":"rows/1"}'
    ),
    "decimals of a double": lambda: written(
        fixes(1), properties=b'{"decimals":{"fix_latitude_deg":2},"schema":"rows/1"}'
    ),
    "no rows": lambda: written(ends(0), **PLAIN_RECORD),
    "two row groups": lambda: written(ends(4), row_group_size=2, **PLAIN_RECORD),
    "an unknown column": lambda: written(ends(1, extra=[1]), **PLAIN_RECORD),
    "a nested column": lambda: written(ends(1, record=[["x"]]), **PLAIN_RECORD),
    "a narrow integer": lambda: written(ends(1, seq=pa.array([1], pa.int32())), **PLAIN_RECORD),
    "seq as text": lambda: written(ends(1, seq=["1"]), **PLAIN_RECORD),
    "seq zero": lambda: written(ends(1, seq=pa.array([0], INT)), **PLAIN_RECORD),
    "seq with a gap": lambda: written(ends(2, seq=pa.array([1, 3], INT)), **PLAIN_RECORD),
    "seq at its end": lambda: written(
        ends(2, seq=pa.array([2**63 - 1, -(2**63)], INT)), **PLAIN_RECORD
    ),
    "seq missing": lambda: written(ends(2, seq=pa.array([1, None], INT)), **PLAIN_RECORD),
    "drive missing": lambda: written(ends(2, drive_id=["d", None]), **PLAIN_RECORD),
    "an unknown kind": lambda: written(ends(1, kind=["place"]), **PLAIN_RECORD),
    "no column of kinds": lambda: written(
        {k: v for k, v in ends(1).items() if k != "kind"}, **PLAIN_RECORD
    ),
    "a record that is none": lambda: written(ends(1, record=["{}"]), **PLAIN_RECORD),
    "a record not JSON": lambda: written(ends(1, record=["\0"]), **PLAIN_RECORD),
    "a record missing": lambda: written(ends(2, record=["{}", None]), **PLAIN_RECORD),
    "a deep record": lambda: written(
        ends(1, kind=["event"], record=["[" * 100_000]), **PLAIN_RECORD
    ),
    "text that is not UTF-8": lambda: written(
        ends(1, record=pa.array([b"\xff"], pa.binary()).cast(pa.string(), safe=False)),
        **PLAIN_RECORD,
    ),
    "a fix with a record": lambda: written(fixes(1, record=["{}"]), use_dictionary=False),
    "a fix with a round trip": lambda: written(fixes(1, round_trip_us=pa.array([1], INT))),
    "half a fix": lambda: written(fixes(1, fix_flags=pa.array([None], INT))),
    "a fix of an unknown type": lambda: written(fixes(1, fix_type=pa.array([77], INT))),
    "a reference before the batch": lambda: written(samples(fix_back=pa.array([None, 2], INT))),
    "a reference to itself": lambda: written(samples(fix_back=pa.array([None, 0], INT))),
    "a reference far away": lambda: written(samples(fix_back=pa.array([None, 2**63 - 1], INT))),
    "a reference backwards": lambda: written(samples(fix_back=pa.array([None, -(2**63)], INT))),
    "a fix that refers": lambda: written(samples(fix_back=pa.array([1, 1], INT))),
    "a sample without time": lambda: written(samples(mono_us=pa.array([None, None], INT))),
    "an unknown cause": lambda: written(samples(cause=[None, "bad luck"])),
    "half a reading of the modem": lambda: written(samples(radio_technology=[None, "4G"])),
    "not packed by zstd": lambda: written(fixes(1), compression="gzip"),
    "not packed": lambda: written(fixes(1), compression="none"),
    "no checksums": lambda: written(fixes(1), write_page_checksum=False),
    "pages of the second version": lambda: written(fixes(1), data_page_version="2.0"),
}  # fmt: skip
LENIENT_TABLE = {"a fix of an unknown type", "an unknown cause"}  # words are judged elsewhere
WITHOUT_RECORDS = {
    "a record that is none", "a record not JSON", "a record missing", "a deep record",
    "text that is not UTF-8", "a fix with a record",
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    payload = REFUSED[case]()
    with pytest.raises(WireError) as refusal:
        decode_rows(payload)
    assert refusal.value.code == "payload"
    if case not in LENIENT_TABLE | WITHOUT_RECORDS:
        with pytest.raises(WireError):
            dense_table(payload)
    elif case in WITHOUT_RECORDS:
        with pytest.raises(WireError):
            dense_and_records(payload)


def repeated(text: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), [text])


def bomb_dictionary_of_words() -> bytes:
    """900,000 times the same 60,000 letters: 54 GB of a few kilobytes."""
    count = 900_000
    texts = {"drive_id": repeated("d" * 60_000, count), "kind": repeated("fix", count)}
    return written(fixes(count, **texts))


def bomb_dictionary_of_records() -> bytes:
    """Each record takes long to read."""
    return written(ends(500_000, record=repeated("[" + "1," * 50_000 + "1]", 500_000)))


def bomb_prefixes() -> bytes:
    """Each text is the one before it and another last letter."""
    texts = ["x" * 300_000 + str(n % 10) for n in range(300)]
    return written(
        ends(300, drive_id=texts),
        use_dictionary=["kind"],
        column_encoding={"drive_id": "DELTA_BYTE_ARRAY"},
    )


def bomb_zeros() -> bytes:
    """Columns that are all zeros, packed a thousandfold."""
    count = 999_999
    zeros = pa.array(memoryview(bytes(8 * count)).cast("q"))
    columns = {name: zeros for name in fixes(1) if name not in ("drive_id", "kind")}
    more = ("mono_us", "utc_less_mono_us", "round_trip_us", "fix_satellites", "fix_gnss_utc_us")
    columns |= dict.fromkeys(more, zeros)
    del columns["fix_latitude_deg"], columns["fix_longitude_deg"]
    texts = {"drive_id": repeated("d", count), "kind": repeated("fix", count)}
    return written(columns | texts, use_dictionary=["drive_id", "kind"], data_page_size=2**27)


BOMBS = [bomb_dictionary_of_words, bomb_dictionary_of_records, bomb_prefixes, bomb_zeros]


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_bombs(bomb: Callable[[], bytes]) -> None:
    payload = bomb()
    pa.default_memory_pool().release_unused()
    before_bytes = psutil.Process().memory_info().rss
    for read in READERS:
        with pytest.raises(WireError, match="payload"):
            read(payload)
        grown_bytes = psutil.Process().memory_info().rss - before_bytes
        assert grown_bytes < 200e6, (read.__name__, grown_bytes, len(payload))


def test_pages_are_counted_before_they_are_unpacked() -> None:
    """Not by the footer's sum, which is whatever its sender likes."""
    count = 900_000
    texts = {"drive_id": repeated("d", count), "kind": repeated("drive_end", count)}
    records = pa.array(["x" * 100]).take(pa.array([0] * count))
    payload = written(ends(count, record=records, **texts), use_dictionary=["drive_id", "kind"])
    metadata = pq.read_metadata(io.BytesIO(payload))
    assert metadata.row_group(0).column(3).total_uncompressed_size > 64 * 2**20
    assert count_rows(payload) == count  # the footer alone is harmless
    with pytest.raises(WireError, match="larger than"):
        decode_rows(payload)


def test_damage_is_found_or_caught_by_the_digest() -> None:
    """Any byte of a sealed batch's payload: parsing finds it, and reading it anyway is no harm."""
    rows = some_rows()
    batch = sealed(rows)
    payload_at = len(batch.content) - len(batch.payload)
    chance = random.Random(7)
    for at in sorted(chance.sample(range(len(batch.payload)), 250)):
        payload = bytearray(batch.payload)
        payload[at] ^= 1 << chance.randrange(8)
        with pytest.raises(WireError):
            parse_batch(batch.content[:payload_at] + payload)
        for read in (decode_rows, dense_table, count_rows):
            try:
                read(bytes(payload))
            except WireError as error:
                assert error.code == "payload"  # noqa: PT017 - most are refused, some are not seen


@pytest.mark.parametrize("length", [0, 4, 11, 12, 200, -100, -9, -1])
def test_cut_off(length: int) -> None:
    payload = encode_rows(some_rows())[:length]
    for read in (*READERS, count_rows):
        with pytest.raises(WireError):
            read(payload)
