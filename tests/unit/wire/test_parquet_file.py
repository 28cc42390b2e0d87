"""Footers of strangers, read by us as Arrow reads them; and none that does harm."""

import contextlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldsurvey.wire.parquet_file import pages, read_footer, with_plain_footer
from fieldsurvey.wire.rows import encode_rows
from fieldsurvey.wire.thrift import Kind, ThriftReader, thrift_list, thrift_struct
from tests.support.wire_golden import golden_rows


@pytest.fixture(scope="module")
def payload() -> bytes:
    return encode_rows(golden_rows())


def test_a_footer_says_to_us_what_it_says_to_arrow(payload: bytes) -> None:
    footer = read_footer(payload)
    for content in (payload, with_plain_footer(payload, footer)):
        theirs = pq.read_metadata(io.BytesIO(content))
        assert theirs.num_rows == footer.rows
        assert theirs.num_columns == len(footer.columns)
        for index, column in enumerate(footer.columns):
            chunk = theirs.row_group(0).column(index)
            assert chunk.path_in_schema == column.name
            assert chunk.data_page_offset == column.data_at
            assert chunk.total_compressed_size == column.packed_bytes
            assert chunk.total_uncompressed_size == column.unpacked_bytes
    assert pq.read_metadata(io.BytesIO(payload)).metadata == footer.properties


def test_a_plain_footer_changes_no_value(payload: bytes) -> None:
    plain = with_plain_footer(payload, read_footer(payload))
    assert pq.read_table(io.BytesIO(plain)).equals(pq.read_table(io.BytesIO(payload)))
    assert with_plain_footer(plain, read_footer(plain)) == plain


def test_pages_hold_what_their_column_does(payload: bytes) -> None:
    footer = read_footer(payload)
    for column in footer.columns:
        found = list(pages(payload, column))
        assert sum(page.values for page in found if not page.is_dictionary) == footer.rows
        assert [page.is_dictionary for page in found].count(True) == (
            column.dictionary_at is not None
        )
        assert sum(page.unpacked_bytes for page in found) < column.unpacked_bytes


def test_no_changed_bit_of_a_footer_ends_the_process(payload: bytes) -> None:
    """Arrow reads every footer that is left, and says so itself if it cannot."""
    refused = 0
    for at in range(read_footer(payload).start, len(payload)):
        changed = bytearray(payload)
        changed[at] ^= 1 << at % 8
        try:
            plain = with_plain_footer(bytes(changed), read_footer(bytes(changed)))
        except ValueError:
            refused += 1
            continue
        if at % 4 == 0:
            with contextlib.suppress(ValueError, OSError, pa.ArrowException):
                pq.ParquetFile(pa.BufferReader(plain))
    assert refused > 500


def test_thrift_round_trip() -> None:
    inner = thrift_struct([(1, Kind.BINARY, b"name"), (14, Kind.I64, -(2**62))])
    many = list(range(-50, 50))
    content = thrift_struct(
        [
            (2, Kind.I32, 300),
            (3, Kind.LIST, thrift_list(Kind.STRUCT, [inner, inner])),
            (5, Kind.LIST, thrift_list(Kind.I32, many)),
        ]
    )
    assert ThriftReader(content).struct() == {
        2: 300,
        3: [{1: b"name", 14: -(2**62)}] * 2,
        5: many,
    }
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r".+"):
            ThriftReader(content[:length]).struct()


@pytest.mark.parametrize(
    "content",
    [
        b"\x1c" * 50 + b"\0" * 50,  # structs in structs
        b"\x19" + b"\x19" * 50,  # lists in lists
        b"\x19\xf5\xff\xff\xff\xff\x0f",  # a list of billions
        b"\x18\xff\xff\xff\xff\x0f",  # a text of billions
        b"\x16" + b"\xff" * 11,  # a number that does not end
        b"\x1d\0",  # a kind that there is not
        b"\x15\x02\x05\x02\x02\0",  # a field twice
    ],
)
def test_thrift_that_is_none(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ThriftReader(content).struct()
