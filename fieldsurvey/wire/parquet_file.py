"""What a Parquet file of one row group says of itself, read without unpacking any of it.

Arrow is built to read files of friends: a footer can lie about how large a file becomes, and some
footers end the whole process. So a stranger's footer is read here, and Arrow is given one that we
wrote. Field numbers are those of parquet-format's ``parquet.thrift``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fieldsurvey.wire.thrift import Field, Fields, Kind, ThriftReader, thrift_list, thrift_struct

T = TypeVar("T")

BOOLEAN, INT64, DOUBLE, BYTE_ARRAY = 0, 2, 5, 6
PLAIN, RLE, DELTA_BINARY_PACKED = 0, 3, 5
DELTA_LENGTH_BYTE_ARRAY, RLE_DICTIONARY, BYTE_STREAM_SPLIT = 6, 8, 9

_MAGIC = b"PAR1"
_ZSTD = 6
_REPEATED = 2
_UTF8 = 0
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_PAGE_DETAILS = {_DATA_PAGE: 5, _DICTIONARY_PAGE: 7}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the row group: where its pages lie, and of what physical type it is."""

    name: str
    physical_type: int
    optional: bool
    start: int
    packed_bytes: int
    unpacked_bytes: int  # as the footer says
    dictionary_at: int | None
    data_at: int


@dataclass(frozen=True, slots=True)
class Footer:
    """``properties`` are the file's key-value metadata."""

    rows: int
    columns: tuple[Column, ...]
    properties: Mapping[bytes, bytes]
    start: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page's header. ``unpacked_bytes`` is what its reader will ask memory for."""

    is_dictionary: bool
    unpacked_bytes: int
    values: int
    encoding: int


def read_footer(data: bytes) -> Footer:
    """Read the footer of a file with one row group of flat columns packed by zstd.

    Raises ValueError for anything else.
    """
    length = int.from_bytes(data[-8:-4], "little")
    start = len(data) - 8 - length
    if data[:4] != _MAGIC or data[-4:] != _MAGIC or start < 4:
        raise ValueError("not a Parquet file")
    fields = ThriftReader(data[start:-8]).struct()
    root, *leaves = _structs(fields, 2)
    groups = _structs(fields, 4)
    rows = _get(fields, 3, int)
    if len(groups) != 1 or _get(groups[0], 3, int) != rows:
        raise ValueError(f"{len(groups)} row groups")
    chunks = _structs(groups[0], 1)
    if not len(chunks) == len(leaves) == _get(root, 5, int):
        raise ValueError("columns are not flat")
    columns = tuple(_column(*pair) for pair in zip(leaves, chunks, strict=True))
    properties = {
        _get(one, 1, bytes): _get(one, 2, bytes)
        for one in (_structs(fields, 5) if 5 in fields else ())
    }
    return Footer(rows, columns, properties, start)


def _column(leaf: Fields, chunk: Fields) -> Column:
    about = _get(chunk, 3, dict)
    name = _get(leaf, 4, bytes)
    repetition = _get(leaf, 3, int)
    if _get(about, 3, list) != [name] or leaf.get(5) or repetition >= _REPEATED or 1 in chunk:
        raise ValueError("columns are not flat and in one file")
    if _get(about, 4, int) != _ZSTD:
        raise ValueError("not packed by zstd")
    if _get(about, 1, int) != _get(leaf, 1, int):
        raise ValueError("two types of one column")
    data_at = _get(about, 9, int)
    dictionary_at = _get(about, 11, int) if 11 in about else None
    return Column(
        name.decode(),
        _get(leaf, 1, int),
        repetition == 1,
        data_at if dictionary_at is None else min(data_at, dictionary_at),
        _get(about, 7, int),
        _get(about, 6, int),
        dictionary_at,
        data_at,
    )


def pages(data: bytes, column: Column) -> Iterator[Page]:
    """Yield the pages of a column. Raises ValueError for what is no page of a kind that carries
    values, has no checksum, or leaves the column's bytes."""
    end = column.start + column.packed_bytes
    if not 4 <= column.start <= end <= len(data):
        raise ValueError("a column lies outside the file")
    reader = ThriftReader(data[column.start : end])
    while reader.at < column.packed_bytes:
        header = reader.struct()
        kind = _get(header, 1, int)
        if kind not in _PAGE_DETAILS or 4 not in header:
            raise ValueError("a page of an unknown kind or without checksum")
        details = _get(header, _PAGE_DETAILS[kind], dict)
        unpacked_bytes, packed_bytes = _get(header, 2, int), _get(header, 3, int)
        values = _get(details, 1, int)
        if min(unpacked_bytes, packed_bytes, values) < 0:
            raise ValueError("a page of negative size")
        reader.skip(packed_bytes)
        yield Page(kind == _DICTIONARY_PAGE, unpacked_bytes, values, _get(details, 2, int))


def with_plain_footer(data: bytes, footer: Footer) -> bytes:
    """Return the file with a footer that says what ``footer`` does and nothing else."""
    schema = [thrift_struct([(4, Kind.BINARY, b"schema"), (5, Kind.I32, len(footer.columns))])]
    chunks = []
    for column in footer.columns:
        is_text = column.physical_type == BYTE_ARRAY
        leaf: list[Field] = [
            (1, Kind.I32, column.physical_type),
            (3, Kind.I32, int(column.optional)),
            (4, Kind.BINARY, column.name.encode()),
        ]
        schema.append(thrift_struct([*leaf, (6, Kind.I32, _UTF8)] if is_text else leaf))
        chunks.append(_chunk(column, footer.rows))
    group = thrift_struct(
        [
            (1, Kind.LIST, thrift_list(Kind.STRUCT, chunks)),
            (2, Kind.I64, sum(column.unpacked_bytes for column in footer.columns)),
            (3, Kind.I64, footer.rows),
        ]
    )
    content = thrift_struct(
        [
            (1, Kind.I32, 2),
            (2, Kind.LIST, thrift_list(Kind.STRUCT, schema)),
            (3, Kind.I64, footer.rows),
            (4, Kind.LIST, thrift_list(Kind.STRUCT, [group])),
        ]
    )
    return data[: footer.start] + content + len(content).to_bytes(4, "little") + _MAGIC


def _chunk(column: Column, rows: int) -> bytes:
    about: list[Field] = [
        (1, Kind.I32, column.physical_type),
        (2, Kind.LIST, thrift_list(Kind.I32, [PLAIN])),
        (3, Kind.LIST, thrift_list(Kind.BINARY, [column.name.encode()])),
        (4, Kind.I32, _ZSTD),
        (5, Kind.I64, rows),
        (6, Kind.I64, column.unpacked_bytes),
        (7, Kind.I64, column.packed_bytes),
        (9, Kind.I64, column.data_at),
    ]
    if column.dictionary_at is not None:
        about.append((11, Kind.I64, column.dictionary_at))
    return thrift_struct([(2, Kind.I64, 0), (3, Kind.STRUCT, thrift_struct(about))])


def _get(fields: Fields, number: int, kind: type[T]) -> T:
    value = fields.get(number)
    if not isinstance(value, kind):
        raise ValueError(f"field {number} is not there")
    return value


def _structs(fields: Fields, number: int) -> list[Fields]:
    found = _get(fields, number, list)
    if not found or not all(isinstance(one, dict) for one in found):
        raise ValueError(f"field {number} is not a list of structs")
    return found
