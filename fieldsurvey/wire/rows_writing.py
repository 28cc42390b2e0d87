"""Rows into the Parquet file of a batch: small, because links in the field are thin.

Exact: what cannot be written shorter without changing a bit is written longer. The same rows give
the same bytes with the same pyarrow.
"""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from fieldsurvey.model.drive import Sample
from fieldsurvey.model.position import Fix
from fieldsurvey.model.radio import RadioState
from fieldsurvey.wire.rows_columns import (
    COLUMNS,
    FIRST_INEXACT,
    FIX_COLUMNS,
    MOST_DECIMALS,
    PROPERTIES_KEY,
    RADIO_COLUMNS,
    SAMPLE_COLUMNS,
    ColumnKind,
)
from fieldsurvey.wire.rows_model import SCHEMA, Row
from fieldsurvey.wire.rows_records import record_kind, record_to_json

if TYPE_CHECKING:
    import pyarrow as pa

_Values = tuple[Any, ...]

_NO_SAMPLE = (None,) * (len(SAMPLE_COLUMNS) + len(RADIO_COLUMNS))
_NO_RADIO = (None,) * len(RADIO_COLUMNS)
_NO_FIX = (None,) * len(FIX_COLUMNS)
_ZSTD_LEVEL = 12
_ENCODINGS = {
    ColumnKind.INTEGER: "DELTA_BINARY_PACKED",
    ColumnKind.REAL: "BYTE_STREAM_SPLIT",
    ColumnKind.FLAG: "PLAIN",
    ColumnKind.TEXT: "DELTA_LENGTH_BYTE_ARRAY",
}


def encode_rows(rows: Sequence[Row]) -> bytes:
    """Return the payload. Raises ValueError unless ``rows`` are contiguous and at least one,
    OverflowError for whole numbers beyond 64 bits."""
    if not rows:
        raise ValueError("no rows")
    if any(row.seq != rows[0].seq + index for index, row in enumerate(rows)):
        raise ValueError("rows are not contiguous")
    columns = dict(zip(COLUMNS, zip(*_flattened(rows), strict=True), strict=True))
    return _to_parquet({name: v for name, v in columns.items() if any(x is not None for x in v)})


def _flattened(rows: Sequence[Row]) -> Iterator[_Values]:
    """Yield each row in the order of ``COLUMNS``."""
    carried: dict[Fix, int] = {}  # which of the fixes written so far
    count = 0
    for row in rows:
        value = row.value
        if isinstance(value, Fix):
            dense = ("fix", None, *_NO_SAMPLE, *_fix_values(value))
            carried[value] = count = count + 1
        elif isinstance(value, Sample):
            fix = value.fix
            back = None if fix is None or fix not in carried else count + 1 - carried[fix]
            inline = _NO_FIX
            if fix is not None and back is None:
                inline = _fix_values(fix)
                carried[fix] = count = count + 1
            dense = ("sample", None, *_sample_values(value, back), *inline)
        else:
            json = record_to_json(value)
            dense = (record_kind(value), json, *_NO_SAMPLE, *_NO_FIX)
        yield (row.seq, row.drive_id, *dense)


def _fix_values(fix: Fix) -> _Values:
    return (
        fix.mono_us,
        _wrapped(fix.utc_us - fix.mono_us),
        fix.latitude_deg,
        fix.longitude_deg,
        int(fix.fix_type),
        fix.gnss_utc_us,
        fix.altitude_m,
        fix.speed_mps,
        fix.heading_deg,
        fix.accuracy_m,
        fix.hdop,
        fix.satellites,
        int(fix.flags),
    )


def _sample_values(sample: Sample, fix_back: int | None) -> _Values:
    age_rest_us = sample.fix_age_us
    if age_rest_us is not None and sample.fix is not None:
        age_rest_us = _wrapped(age_rest_us - sample.fix.age_us(sample.mono_us))
    reachability = sample.reachability
    return (
        sample.mono_us,
        _wrapped(sample.utc_us - sample.mono_us),
        reachability.reachable,
        reachability.round_trip_us,
        None if reachability.cause is None else str(reachability.cause),
        age_rest_us,
        fix_back,
        *(_NO_RADIO if sample.radio is None else _radio_values(sample.radio)),
    )


def _radio_values(radio: RadioState) -> _Values:
    return (
        radio.mono_us,
        _wrapped(radio.utc_us - radio.mono_us),
        str(radio.technology),
        radio.operator_code,
        radio.operator_name,
        radio.cell_id,
        radio.tracking_area,
        radio.band,
        radio.rsrp_dbm,
        radio.rsrq_db,
        radio.sinr_db,
        radio.rssi_dbm,
    )


def _wrapped(difference: int) -> int:
    """Return the number of 64 bits with sign that is equal modulo 2**64, as the reader adds it."""
    return (difference + 2**63) % 2**64 - 2**63


def _to_parquet(columns: dict[str, _Values]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays, words, encodings, decimals = {}, [], {}, {}
    for name, values in columns.items():
        kind = COLUMNS[name]
        if kind is ColumnKind.REAL:
            arrays[name], places, repeats = _reals(values)
            if places is not None:
                kind, decimals[name] = ColumnKind.INTEGER, places
            elif repeats:
                kind = ColumnKind.WORD
        else:
            arrays[name] = pa.array(values, _arrow_type(kind))
        if kind is ColumnKind.WORD:
            words.append(name)
        else:
            encodings[name] = _ENCODINGS[kind]
    properties = msgspec.json.encode({"decimals": decimals, "schema": SCHEMA}, order="sorted")
    table = pa.table(arrays)
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=words,
        column_encoding=encodings,
        write_page_checksum=True,
        write_statistics=False,
        store_schema=False,
        # Levels of the first version are compressed: kinds alternate, so they are patterns.
        data_page_version="1.0",
    ) as writer:
        writer.write_table(table, row_group_size=len(table))
        writer.add_key_value_metadata({PROPERTIES_KEY: properties})
    return sink.getvalue()


def _arrow_type(kind: ColumnKind) -> "pa.DataType":
    import pyarrow as pa

    types = {ColumnKind.INTEGER: pa.int64(), ColumnKind.FLAG: pa.bool_()}
    return types.get(kind, pa.string())


def _reals(values: _Values) -> "tuple[pa.Array, int | None, bool]":
    """Return doubles, or whole numbers of so many decimals where that gives back every bit; and
    whether the doubles repeat often enough for a dictionary."""
    import numpy as np
    import pyarrow as pa

    doubles = pa.array(values, pa.float64(), from_pandas=False)
    known = doubles.drop_null().to_numpy(zero_copy_only=False)
    for places in range(MOST_DECIMALS + 1):
        scaled = np.rint(known * 10.0**places)
        if not np.all(np.abs(scaled) < FIRST_INEXACT):  # NaN is not below either
            break
        if np.array_equal((scaled / 10.0**places).view(np.int64), known.view(np.int64)):
            whole = np.zeros(len(values), np.int64)
            missing = np.asarray(doubles.is_null())
            whole[~missing] = scaled.astype(np.int64)
            return pa.array(whole, mask=missing), places, False
    return doubles, None, 4 * len(np.unique(known)) < len(known)
