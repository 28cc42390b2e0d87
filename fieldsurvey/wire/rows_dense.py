"""The columns of a batch as seconds and fixes: references followed, clocks put together again."""

from typing import TYPE_CHECKING, Any

from fieldsurvey.model.drive import Reachability, Sample
from fieldsurvey.model.position import Fix, FixFlag, FixType
from fieldsurvey.model.radio import RadioState, RadioTechnology
from fieldsurvey.model.throughput import Cause
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.rows_columns import AGE_REST, FIX_BACK, FIX_COLUMNS, RADIO_COLUMNS
from fieldsurvey.wire.rows_model import Recorded, Row
from fieldsurvey.wire.rows_reading import Columns, bad_payload, has, is_kind, read_columns
from fieldsurvey.wire.rows_records import record_from_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_SAMPLE = ("utc_us", "mono_us", "reachable", "round_trip_us", "cause", "fix_age_us")


def _told(columns: dict[str, Any], prefix: str) -> tuple[str, ...]:
    """Return the names of columns with UTC in full."""
    distance = f"{prefix}utc_less_mono_us"
    return (f"{prefix}utc_us", *(name for name in columns if name != distance))


_RADIO = _told(RADIO_COLUMNS, "radio_")
_FIX = _told(FIX_COLUMNS, "fix_")
DENSE_COLUMNS = ("seq", "drive_id", *_SAMPLE, *_RADIO, *_FIX)


def dense_table(payload: bytes) -> "pa.Table":
    """Return the samples as ``DENSE_COLUMNS``, each with its fix, in seq order.

    Names and units are the survey file's; words are dictionaries. Raises WireError ``payload``.
    """
    with bad_payload():
        return _dense(read_columns(payload, records=False))


def dense_and_records(payload: bytes) -> "tuple[pa.Table, list[tuple[Row, str]]]":
    """Return the samples as :func:`dense_table` does, and the rows that are neither fixes nor
    samples, each with the JSON it came as. Raises WireError ``payload``."""
    with bad_payload():
        columns = read_columns(payload, records=True)
        return _dense(columns), _records(columns)


def _dense(columns: Columns) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    fix_at = _with_clocks(columns)
    rows = np.flatnonzero(is_kind(columns, "sample"))
    samples, fixes = pa.array(rows), _indices(fix_at[rows])
    names = DENSE_COLUMNS[: -len(_FIX)]
    return pa.table(
        {name: columns[name].take(samples) for name in names}
        | {name: columns[name].take(fixes) for name in _FIX}
    )


def _records(columns: Columns) -> list[tuple[Row, str]]:
    mask = has(columns, "record")
    names = ("seq", "drive_id", "kind", "record")
    rows = zip(*(columns[name].filter(mask).to_pylist() for name in names), strict=True)
    return [
        (Row(seq, drive_id, record_from_json(kind, json)), json)
        for seq, drive_id, kind, json in rows
    ]


def decode_rows(payload: bytes) -> list[Row]:
    """Return the rows as they were encoded, samples without their place.

    Raises WireError ``payload``.
    """
    with bad_payload():
        columns = read_columns(payload, records=True)
        fix_at = _with_clocks(columns).tolist()
        lists = {name: column.to_pylist() for name, column in columns.items()}
        fixes = [
            None if values[0] is None else _fix(*values)
            for values in zip(*(lists[name] for name in _FIX), strict=True)
        ]
        radios = zip(*(lists[name] for name in _RADIO), strict=True)
        samples = zip(*(lists[name] for name in _SAMPLE), strict=True)
        rows = []
        for index, (radio, sample) in enumerate(zip(radios, samples, strict=True)):
            kind = lists["kind"][index]
            value: Recorded | None
            if kind == "fix":
                value = fixes[index]
            elif kind == "sample":
                value = _sample(sample, fix_at[index], fixes, radio)
            else:
                value = record_from_json(kind, lists["record"][index])
            assert value is not None  # _check_rows
            rows.append(Row(lists["seq"][index], lists["drive_id"][index], value))
        return rows


def _with_clocks(columns: Columns) -> "npt.NDArray[np.int64]":
    """Add UTC and ages to the columns; return the row in which each row's fix is, or -1."""
    import pyarrow.compute as pc

    for prefix in ("", "radio_", "fix_"):
        distance = columns[f"{prefix}utc_less_mono_us"]
        columns[f"{prefix}utc_us"] = pc.add(columns[f"{prefix}mono_us"], distance)
    fix_at = _fix_rows(columns)
    age = pc.subtract(columns["mono_us"], columns["fix_mono_us"].take(_indices(fix_at)))
    columns["fix_age_us"] = pc.add(columns[AGE_REST], pc.fill_null(age, 0))
    return fix_at


def _fix_rows(columns: Columns) -> "npt.NDArray[np.int64]":
    import numpy as np
    import pyarrow.compute as pc

    carries, refers = has(columns, "fix_mono_us"), has(columns, FIX_BACK)
    back = pc.fill_null(columns[FIX_BACK], 1).to_numpy()
    carried = np.cumsum(carries)
    if np.any(refers & (carries | (back < 1) | (back > carried))):
        raise WireError("payload", "a sample refers to a fix that is not there")
    carriers = np.flatnonzero(carries)
    fix_at = np.where(carries, np.arange(len(carries)), -1)
    fix_at[refers] = carriers[carried[refers] - back[refers]]
    return fix_at


def _indices(rows: "npt.NDArray[np.int64]") -> "pa.Array":
    import pyarrow as pa

    return pa.array(rows, mask=rows < 0)


def _fix(*values: Any) -> Fix:
    typed = [*values[:4], FixType(values[4]), *values[5:-1], FixFlag(values[-1])]
    return Fix(*typed)


def _sample(
    values: tuple[Any, ...], fix_at: int, fixes: list[Fix | None], radio: tuple[Any, ...]
) -> Sample:
    utc_us, mono_us, reachable, round_trip_us, cause, fix_age_us = values
    return Sample(
        utc_us,
        mono_us,
        Reachability(reachable, round_trip_us, None if cause is None else Cause(cause)),
        None if fix_at < 0 else fixes[fix_at],
        fix_age_us,
        None
        if radio[0] is None
        else RadioState(radio[0], radio[1], RadioTechnology(radio[2]), *radio[3:]),
    )
