"""The seconds of a whole survey at once, for desks: a million of them in a second or two.

SQLite hands a column over as one JSON array per piece instead of a value at a time. That keeps
Python, and its lock, out of the way: pieces are read in threads, each with a connection of its own.
Numbers come back to the last bit. Names and meaning are those of :mod:`fieldsurvey.store.columns`,
but what is not known is null. Imported where it is used: it needs polars.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.columns import SAMPLE_COLUMNS
from fieldsurvey.store.driver import Connection, known_errors
from fieldsurvey.store.survey_file import SurveyFile

_TYPES = {"O": pl.Categorical(), "?": pl.Boolean(), "i8": pl.Int64(), "f8": pl.Float64()}
_THREADS = 2
_PIECE_SEQS = 1 << 17  # of all tables; a piece takes a quarter of a second at most


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
        pieces = [piece for reading in readings for piece in reading.result()]
    frame = pl.concat([reader.empty(), *pieces]).sort("seq")
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
        if sql.startswith("t.fix_"):
            sql = f"CASE WHEN t.fix_age_us <= {fix_age_limit_us:d} THEN {sql} END"
        found[name] = sql, kind
    return found


def _spans(first: int, last: int) -> list[tuple[int, int]]:
    """Return ranges of seq, both ends included."""
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
        self._places = {name: spec for name, spec in columns.items() if spec[0].startswith("p.")}
        self._samples = {name: columns[name] for name in columns if name not in self._places}
        self._pieces = pieces
        self._told = told
        self._done = 0
        self._telling = threading.Lock()

    def empty(self) -> pl.DataFrame:
        """Return a piece without rows."""
        columns = self._samples | self._places
        return pl.DataFrame(schema={name: _TYPES[kind] for name, (_, kind) in columns.items()})

    def read(self, spans: Sequence[tuple[int, int]]) -> list[pl.DataFrame]:
        """Read some pieces through one connection; to be used in one thread."""
        found = []
        with SurveyFile.open(self._path, read_only=True) as survey, known_errors(self._path):
            for span in spans:
                found.append(self._piece(survey.connection, span))
                with self._telling:
                    self._done += 1
                    self._told(self._done / self._pieces)
        return found

    def _piece(self, connection: Connection, span: tuple[int, int]) -> pl.DataFrame:
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
        span: tuple[int, int],
    ) -> pl.DataFrame:
        arrays = ", ".join(f"CAST(json_group_array({sql}) AS BLOB)" for sql, _ in columns.values())
        key = columns["seq"][0]
        found = connection.execute(
            f"SELECT {arrays} FROM {table} WHERE {key} BETWEEN ? AND ?", span
        ).fetchone()
        try:
            return pl.DataFrame(
                {
                    name: _series(bytes(array), kind)
                    for (name, (_, kind)), array in zip(columns.items(), found, strict=True)
                }
            )
        except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
            raise KnownError("store.damaged", path=self._path, detail=str(error)) from error


def _series(array: bytes, kind: str) -> pl.Series:
    """Return a JSON array as a column. One of numbers is CSV with commas for line ends."""
    if array == b"[]":
        return pl.Series(dtype=_TYPES[kind])
    if kind == "O":
        words = pl.Series([array.decode()]).str.json_decode(pl.List(pl.String)).explode()
        return words.cast(pl.Categorical)
    numbers = pl.read_csv(
        array[1:-1],
        has_header=False,
        schema={"": pl.Float64 if kind == "f8" else pl.Int64},
        eol_char=",",
        quote_char=None,
        null_values="null",
    ).to_series()
    return numbers.cast(pl.Boolean) if kind == "?" else numbers
