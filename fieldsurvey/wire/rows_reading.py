"""The Parquet file of a batch back into columns. Whoever wrote it is not to be trusted.

Whatever arrives becomes columns of the right types and bounded size, or a WireError; what the
words in them mean is judged elsewhere.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from fieldsurvey.wire import parquet_file
from fieldsurvey.wire.canonical import WireError, from_canonical
from fieldsurvey.wire.parquet_file import Footer
from fieldsurvey.wire.rows_columns import (
    COLUMNS,
    FIX_CORE,
    HIGHEST_SEQ,
    MOST_BYTES,
    MOST_DECIMALS,
    MOST_ROWS,
    PROPERTIES_KEY,
    RADIO_COLUMNS,
    RADIO_CORE,
    SAMPLE_COLUMNS,
    SAMPLE_CORE,
    ColumnKind,
    of_kind,
)
from fieldsurvey.wire.rows_model import SCHEMA
from fieldsurvey.wire.rows_records import RECORD_KINDS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

Columns = dict[str, Any]  # of Arrow's arrays

_WORDS = frozenset(of_kind(ColumnKind.WORD))
_NUMBERS = frozenset(
    {
        parquet_file.PLAIN,
        parquet_file.RLE,
        parquet_file.RLE_DICTIONARY,
        parquet_file.DELTA_BINARY_PACKED,
        parquet_file.BYTE_STREAM_SPLIT,
    }
)
# None that makes many long texts of few bytes, but dictionaries, which stay dictionaries.
_LAYOUTS = {
    ColumnKind.INTEGER: (parquet_file.INT64, _NUMBERS),
    ColumnKind.REAL: (parquet_file.DOUBLE, _NUMBERS),
    ColumnKind.FLAG: (parquet_file.BOOLEAN, _NUMBERS),
    ColumnKind.WORD: (
        parquet_file.BYTE_ARRAY,
        frozenset({parquet_file.PLAIN, parquet_file.RLE_DICTIONARY}),
    ),
    ColumnKind.TEXT: (
        parquet_file.BYTE_ARRAY,
        frozenset({parquet_file.PLAIN, parquet_file.DELTA_LENGTH_BYTE_ARRAY}),
    ),
}


class _Properties(msgspec.Struct):
    decimals: dict[str, int]
    schema: str


@contextlib.contextmanager
def bad_payload() -> Iterator[None]:
    """Call whatever Arrow finds wrong a WireError ``payload``."""
    import pyarrow as pa

    try:
        yield
    except WireError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise WireError("payload", f"not a payload of {SCHEMA}: {error}") from error


def count_rows(payload: bytes) -> int:
    """Return the number of rows, from the footer alone. Raises WireError ``payload``."""
    with bad_payload():
        return _footer(payload).rows


def read_columns(payload: bytes, *, records: bool) -> Columns:
    """Return all columns of the schema, each of so many rows; ``record`` only if wanted.

    Words are dictionaries of ``string``, reals ``double``, whole numbers ``int64``, flags ``bool``.
    Raises WireError ``payload``, also where what must be there is not.
    """
    with bad_payload():
        footer = _footer(payload)
        decimals = _decimals(footer)
        _check_columns(payload, footer, decimals)
        there = {column.name for column in footer.columns}
        wanted = [name for name in COLUMNS if records or name != "record"]
        table = _table(payload, footer, [name for name in wanted if name in there])
        columns = {
            name: _column(table.column(name).combine_chunks(), decimals.get(name))
            if name in there
            else _missing(name, footer.rows)
            for name in wanted
        }
        _check_rows(columns)
        return columns


def _footer(payload: bytes) -> Footer:
    footer = parquet_file.read_footer(payload)
    if not 1 <= footer.rows <= MOST_ROWS:
        raise WireError("payload", f"{footer.rows} rows")
    return footer


def _decimals(footer: Footer) -> dict[str, int]:
    """Return the decimals of the columns that travel as whole numbers."""
    stated = from_canonical(footer.properties.get(PROPERTIES_KEY, b""), _Properties, "payload")
    if stated.schema != SCHEMA:
        raise WireError("payload", f"schema {stated.schema}")
    for name, places in stated.decimals.items():
        if COLUMNS.get(name) is not ColumnKind.REAL or not 0 <= places <= MOST_DECIMALS:
            raise WireError("payload", f"{places} decimals of {name}")
    return stated.decimals


def _check_columns(payload: bytes, footer: Footer, decimals: dict[str, int]) -> None:
    """Check types and sizes before anything is unpacked."""
    if len({column.name for column in footer.columns}) != len(footer.columns):
        raise WireError("payload", "two columns of one name")
    unpacked_bytes = 0
    for column in footer.columns:
        kind = ColumnKind.INTEGER if column.name in decimals else COLUMNS.get(column.name)
        if kind is None or column.physical_type != _LAYOUTS[kind][0]:
            raise WireError("payload", f"column {column.name} of type {column.physical_type}")
        values = 0
        for page in parquet_file.pages(payload, column):
            unpacked_bytes += page.unpacked_bytes
            values += 0 if page.is_dictionary else page.values
            if unpacked_bytes > MOST_BYTES or max(values, page.values) > footer.rows:
                raise WireError("payload", f"becomes larger than {MOST_BYTES} bytes")
            if page.encoding not in _LAYOUTS[kind][1]:
                raise WireError("payload", f"encoding {page.encoding} of {column.name}")
        if values != footer.rows:
            raise WireError("payload", f"column {column.name} is not whole")


def _table(payload: bytes, footer: Footer, names: list[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(
        pa.BufferReader(parquet_file.with_plain_footer(payload, footer)),
        # A long text is then in memory once, however often it is meant.
        read_dictionary=[name for name in names if name in _WORDS],
        page_checksum_verification=True,
    )
    table = file.read(columns=names, use_threads=False)
    if len(table) != footer.rows:
        raise WireError("payload", "fewer rows than stated")
    return table


def _column(array: "pa.Array", places: int | None) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    if places is not None:
        return pc.divide(pc.cast(array, pa.float64()), 10.0**places)
    if pa.types.is_dictionary(array.type):
        array.dictionary.validate(full=True)
        lengths = pc.take(pc.binary_length(array.dictionary), array.indices)
        if (pc.sum(lengths).as_py() or 0) > MOST_BYTES:
            raise WireError("payload", f"texts become larger than {MOST_BYTES} bytes")
    array.validate(full=True)
    return array


def _missing(name: str, rows: int) -> "pa.Array":
    """Return a column that the file leaves out because it is empty."""
    import pyarrow as pa

    types = {
        ColumnKind.INTEGER: pa.int64(),
        ColumnKind.REAL: pa.float64(),
        ColumnKind.FLAG: pa.bool_(),
        ColumnKind.WORD: pa.dictionary(pa.int32(), pa.string()),
        ColumnKind.TEXT: pa.string(),
    }
    return pa.nulls(rows, types[COLUMNS[name]])


def _check_rows(columns: Columns) -> None:
    """Check that each row has what its kind has, and nothing that it has not."""
    import numpy as np

    seq, kind = columns["seq"], columns["kind"]
    if any(columns[name].null_count for name in ("seq", "drive_id", "kind")):
        raise WireError("payload", "rows without number, drive or kind")
    numbers = seq.to_numpy()
    if not 1 <= numbers[0] < HIGHEST_SEQ or not np.array_equal(
        numbers, numbers[0] + np.arange(len(seq))
    ):
        raise WireError("payload", "rows are not contiguous")
    if not set(kind.unique().to_pylist()) <= {"fix", "sample", *RECORD_KINDS}:
        raise WireError("payload", "rows of an unknown kind")
    is_sample, is_fix = is_kind(columns, "sample"), is_kind(columns, "fix")
    has_fix, has_radio = has(columns, "fix_mono_us"), has(columns, "radio_mono_us")
    whole = (
        all(np.array_equal(has(columns, name), is_sample) for name in SAMPLE_CORE)
        and all(np.array_equal(has(columns, name), has_fix) for name in FIX_CORE)
        and all(np.array_equal(has(columns, name), has_radio) for name in RADIO_CORE)
        and not np.any(has_fix & ~(is_fix | is_sample))
        and not np.any(is_fix & ~has_fix)
        and not any(
            np.any(has(columns, name) & ~is_sample) for name in SAMPLE_COLUMNS | RADIO_COLUMNS
        )
    )
    if "record" in columns:
        whole = whole and np.array_equal(has(columns, "record"), ~(is_fix | is_sample))
    if not whole:
        raise WireError("payload", "rows that are not whole")


def is_kind(columns: Columns, kind: str) -> "npt.NDArray[np.bool_]":
    """Tell which rows are of ``kind``."""
    import pyarrow.compute as pc

    return _flags(pc.equal(columns["kind"].cast("string"), kind))


def has(columns: Columns, name: str) -> "npt.NDArray[np.bool_]":
    """Tell which rows have a value in a column."""
    return _flags(columns[name].is_valid())


def _flags(array: "pa.Array") -> "npt.NDArray[np.bool_]":
    flags: npt.NDArray[np.bool_] = array.to_numpy(zero_copy_only=False)
    return flags
