"""The seconds of a whole survey at once, for desks: a million of them in a second or two.

SQLite hands over a piece of the table as one JSON document instead of a value at a time. That keeps
Python, and its lock, out of the way: pieces are read in threads, each with a connection of its own.
Names and meaning are those of :mod:`fieldsurvey.store.columns`, but what is not known is null.

Spelling reals out is what costs most, so the usual ones travel as whole numbers of 2^-47 degrees or
2^-30 metres, decibels and so on: positions beyond 32 degrees come back to the last bit, the others
to a billionth. Imported where it is used: it needs polars.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.columns import SAMPLE_COLUMNS
from fieldsurvey.store.driver import Connection, known_errors
from fieldsurvey.store.survey_file import SurveyFile

Span = tuple[int, int]  # seqs, both ends included

_TYPES = {"O": pl.Categorical(), "?": pl.Boolean(), "i8": pl.Int64(), "f8": pl.Float64()}
_BINARY_DIGITS = {
    "latitude_deg": 47,
    "longitude_deg": 47,
    "speed_mps": 30,
    "rsrp_dbm": 30,
    "rsrq_db": 30,
    "sinr_db": 30,
    "chainage_m": 30,
}
_REST = ("0]", "")  # the last fields of a line
_THREADS = 2
_PIECE_SEQS = 1 << 16  # of all tables: some ten megabytes of JSON for each thread


def sample_frame(
    path: Path,
    only: Sequence[str],
    fix_age_limit_us: int,
    told: Callable[[float], None] = lambda share: None,
) -> pl.DataFrame:
    """Return ``only`` some columns of the seconds, in ``seq`` order: words as categories, truth as
    booleans, ``seq``, ``drive_index``, ``run`` and other numbers that are always there as whole
    numbers, all others as reals. Of a fix older than ``fix_age_limit_us`` all is null.

    ``told`` hears the share done, 0 to 1, in whatever thread; what it raises ends the reading.
    Raises KnownError as :meth:`SurveyFile.open` does.
    """
    with SurveyFile.open(path, read_only=True) as survey, known_errors(path):
        first, last = survey.connection.execute("SELECT min(seq), max(seq) FROM sample").fetchone()
        drives = [d for (d,) in survey.connection.execute("SELECT seq FROM drive ORDER BY seq")]
        sql = "SELECT seq FROM event WHERE kind = 'drive_resumed' ORDER BY seq"
        resumed = [seq for (seq,) in survey.connection.execute(sql)]
    spans = [] if first is None else _spans(first, last)
    columns = _columns(["seq", *only], fix_age_limit_us)
    reader = _Reader(path, columns, len(spans), told)
    with ThreadPoolExecutor(_THREADS) as pool:
        readings = [pool.submit(reader.read, spans[n::_THREADS]) for n in range(_THREADS)]
        pieces = {span: piece for reading in readings for span, piece in reading.result()}
    # SQLite walks a table by seq; the threads took turns.
    frame = pl.concat([reader.empty(), *(pieces[span] for span in spans)])
    counted = {"drive_index": drives, "run": resumed}
    side = {"drive_index": "left", "run": "right"}
    return frame.select(
        pl.Series(
            name, np.searchsorted(np.asarray(counted[name], np.int64), frame[name].to_numpy())
        )
        if name in side
        else pl.col(name)
        for name in only
    )


def _columns(names: Sequence[str], fix_age_limit_us: int) -> dict[str, tuple[str, str]]:
    """Return SQL and kind of each column."""
    found = {}
    for name in names:
        sql, kind = SAMPLE_COLUMNS[name]
        if name in _BINARY_DIGITS:
            sql = f"CAST({sql} * {float(2 ** _BINARY_DIGITS[name])!r} AS INTEGER)"
        if SAMPLE_COLUMNS[name][0].startswith("t.fix_"):
            sql = f"CASE WHEN t.fix_age_us <= {fix_age_limit_us:d} THEN {sql} END"
        found[name] = sql, kind
    return found


def _spans(first: int, last: int) -> list[Span]:
    return [
        (start, min(start + _PIECE_SEQS - 1, last)) for start in range(first, last + 1, _PIECE_SEQS)
    ]


class _Reader:
    """Reads pieces; its threads share only the count of those that are done."""

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, tuple[str, str]],
        pieces: int,
        told: Callable[[float], None],
    ) -> None:
        self._path = path
        self._places = {
            name: spec for name, spec in columns.items() if SAMPLE_COLUMNS[name][0].startswith("p.")
        }
        self._samples = {name: columns[name] for name in columns if name not in self._places}
        self._pieces = pieces
        self._told = told
        self._done = 0
        self._telling = threading.Lock()

    def empty(self) -> pl.DataFrame:
        """Return a piece without rows."""
        columns = self._samples | self._places
        return pl.DataFrame(schema={name: _TYPES[kind] for name, (_, kind) in columns.items()})

    def read(self, spans: Sequence[Span]) -> list[tuple[Span, pl.DataFrame]]:
        """Read some pieces through one connection; to be used in one thread."""
        found = []
        with SurveyFile.open(self._path, read_only=True) as survey, known_errors(self._path):
            for span in spans:
                found.append((span, self._piece(survey.connection, span)))
                with self._telling:
                    self._done += 1
                    self._told(self._done / self._pieces)
        return found

    def _piece(self, connection: Connection, span: Span) -> pl.DataFrame:
        """Read samples and their places apart: two scans are faster than a join row by row."""
        frame = self._frame(connection, "sample t", self._samples, span)
        if self._places:
            columns = {"seq": ("p.sample_seq", "i8"), **self._places}
            places = self._frame(connection, "sample_place p", columns, span)
            frame = frame.join(places, on="seq", how="left", maintain_order="left")
        return frame

    def _frame(
        self,
        connection: Connection,
        table: str,
        columns: Mapping[str, tuple[str, str]],
        span: Span,
    ) -> pl.DataFrame:
        values = ", ".join(sql for sql, _ in columns.values())
        key = columns["seq"][0]
        (document,) = connection.execute(
            f"SELECT CAST(json_group_array(json_array({values}, 0)) AS BLOB) FROM {table}"
            f" WHERE {key} BETWEEN ? AND ?",
            span,
        ).fetchone()
        try:
            rows = _rows(bytes(document), {name: kind for name, (_, kind) in columns.items()})
        except (pl.exceptions.PolarsError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise KnownError("store.damaged", path=self._path, detail=str(error)) from error
        return rows.with_columns(
            pl.col(name) / 2 ** _BINARY_DIGITS[name] for name in columns if name in _BINARY_DIGITS
        )


def _rows(document: bytes, kinds: Mapping[str, str]) -> pl.DataFrame:
    """Return ``[[a, b, ..., 0], ...]`` as columns: to polars it is CSV whose lines end with "["."""
    types = {name: _TYPES[kind] if kind == "O" else pl.Float64() for name, kind in kinds.items()}
    types |= {name: pl.Int64() for name, kind in kinds.items() if kind in ("i8", "?")}
    if document == b"[]":
        frame = pl.DataFrame(schema=types)
    elif b"\\" in document:  # a word with a character that JSON has to escape
        rows = msgspec.json.decode(document)
        frame = pl.DataFrame(rows, schema=[*types, _REST[0]], orient="row").cast(types)  # type: ignore[arg-type]
    else:
        frame = pl.read_csv(
            document[2:] + b",",
            has_header=False,
            schema=types | dict.fromkeys(_REST, pl.String()),
            eol_char="[",
            null_values="null",
        )
    truth = [name for name, kind in kinds.items() if kind == "?"]
    return frame.select(kinds.keys()).with_columns(pl.col(truth).cast(pl.Boolean))
