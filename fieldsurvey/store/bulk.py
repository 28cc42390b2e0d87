"""The seconds and tests of a whole survey at once, for desks: a million in a second or two.

SQLite hands over a piece of the seconds as one JSON document instead of a value at a time. That
keeps Python, and its lock, out of the way: pieces are read in threads, each with a connection of
its own. Names and meaning are those of :mod:`fieldsurvey.store.columns`, but what is not known is
null.

Spelling reals out is what costs most, so the usual ones travel as whole numbers of 2^-47 degrees or
2^-30 metres, decibels and so on: positions beyond 32 degrees come back to the last bit, the others
to a billionth. Imported where it is used: it needs polars.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.columns import SAMPLE_COLUMNS, TEST_COLUMNS, select_tests
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
# Of a second without a place the latter's columns are null; where none are asked for, SQLite leaves
# that table alone.
_TABLES = "sample t LEFT JOIN sample_place p ON p.sample_seq = t.seq"
_SPARE = "0]"  # the last field of a line
_THREADS = 2
_PIECE_TESTS = 2_000
_PIECE_SEQS = 1 << 15  # of all tables: some five megabytes of JSON for each thread


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
        # Asked for together, they would take a scan of the whole table.
        first, last = survey.connection.execute(
            "SELECT (SELECT min(seq) FROM sample), (SELECT max(seq) FROM sample)"
        ).fetchone()
        drives = _seqs(survey.connection, "drive")
        resumed = _seqs(survey.connection, "event WHERE kind = 'drive_resumed'")
    spans = [] if first is None else _spans(first, last, resumed)
    columns = _columns([name for name in only if name != "run"] or ["seq"], fix_age_limit_us)
    reader = _Reader(path, columns, len(spans), told)
    # Whoever is ready takes the next one: an iterator over a list is safe between threads.
    waiting = iter(spans)
    with ThreadPoolExecutor(_THREADS) as pool:
        readings = [pool.submit(reader.read, waiting) for _ in range(_THREADS)]
        pieces = {span: piece for reading in readings for span, piece in reading.result()}
    ordered = [(pieces[span], np.searchsorted(resumed, span[0], "right")) for span in spans]
    frame = pl.concat(
        piece.with_columns(run=pl.lit(run, pl.Int64))
        for piece, run in [(reader.empty(), 0), *ordered]
    )
    if "drive_index" in only:
        frame = frame.with_columns(drive_index=_position(drives, frame["drive_index"]))
    return frame.select(only)


def test_frame(survey: SurveyFile, only: Sequence[str]) -> pl.DataFrame:
    """Return ``only`` some columns of the tests, in ``seq`` order: words as texts, round trips as
    bytes (little-endian unsigned 32-bit integers), numbers as in :func:`sample_frame`.

    There are few of them, and their reals have to come back to the last bit: value by value.
    """
    kinds = {name: _test_type(name) for name in only}
    pieces = [pl.DataFrame(schema=kinds)]
    with known_errors(survey.path):
        drives = _seqs(survey.connection, "drive")
        cursor = survey.connection.execute(f"{select_tests(only)} ORDER BY t.seq")
        while rows := cursor.fetchmany(_PIECE_TESTS):
            columns = zip(kinds.items(), zip(*rows, strict=True), strict=True)
            pieces.append(
                pl.DataFrame([pl.Series(name, values, kind) for (name, kind), values in columns])
            )
    truth = [name for name in only if TEST_COLUMNS[name][1] == "?"]
    frame = pl.concat(pieces).with_columns(pl.col(truth).cast(pl.Boolean))
    if "drive_index" in only:
        frame = frame.with_columns(drive_index=_position(drives, frame["drive_index"]))
    return frame


def _test_type(name: str) -> pl.DataType:
    kind = TEST_COLUMNS[name][1]
    if kind != "O":
        return pl.Int64() if kind == "?" else _TYPES[kind]
    return pl.Binary() if name.endswith("_latency_us") else pl.String()


def _seqs(connection: Connection, rows: str) -> list[int]:
    return [seq for (seq,) in connection.execute(f"SELECT seq FROM {rows} ORDER BY seq")]


def _position(seqs: list[int], asked: pl.Series) -> pl.Series:
    """Return which of ``seqs`` each one is."""
    if len(seqs) < 2:
        return pl.zeros(len(asked), pl.Int64, eager=True)
    return pl.Series(np.searchsorted(np.asarray(seqs, np.int64), asked.to_numpy()))


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


def _spans(first: int, last: int, resumed: Sequence[int]) -> list[Span]:
    """Return pieces of one run each, so that no second has to tell its number."""
    begins = range(first, last + 1, _PIECE_SEQS)
    starts = sorted({*begins, *(seq for seq in resumed if first < seq <= last)})
    return list(zip(starts, [*(start - 1 for start in starts[1:]), last], strict=True))


class _Reader:
    """Reads pieces; its threads share the pieces that wait and the count of those done."""

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, tuple[str, str]],
        pieces: int,
        told: Callable[[float], None],
    ) -> None:
        self._path = path
        self._kinds = {name: kind for name, (_, kind) in columns.items()}
        values = ", ".join(sql for sql, _ in columns.values())
        self._sql = (
            f"SELECT CAST(json_group_array(json_array({values}, 0)) AS BLOB) FROM {_TABLES}"
            " WHERE t.seq BETWEEN ? AND ?"
        )
        self._pieces = pieces
        self._told = told
        self._done = 0
        self._telling = threading.Lock()

    def empty(self) -> pl.DataFrame:
        """Return a piece without rows."""
        return pl.DataFrame(schema={name: _TYPES[kind] for name, kind in self._kinds.items()})

    def read(self, spans: Iterator[Span]) -> list[tuple[Span, pl.DataFrame]]:
        """Read pieces through one connection while some wait; to be used in one thread."""
        found = []
        with SurveyFile.open(self._path, read_only=True) as survey, known_errors(self._path):
            for span in spans:
                found.append((span, self._piece(survey.connection, span)))
                with self._telling:
                    self._done += 1
                    self._told(self._done / self._pieces)
        return found

    def _piece(self, connection: Connection, span: Span) -> pl.DataFrame:
        (document,) = connection.execute(self._sql, span).fetchone()
        try:
            return _rows(document, self._kinds)
        except (pl.exceptions.PolarsError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise KnownError("store.damaged", path=self._path, detail=str(error)) from error


def _rows(document: bytes, kinds: Mapping[str, str]) -> pl.DataFrame:
    """Return ``[[a, b, ..., 0], ...]`` as columns: to polars it is CSV whose lines end with "["."""
    types = {name: _sent_as(name, kind) for name, kind in kinds.items()}
    if document == b"[]":
        frame = pl.DataFrame(schema=types)
    elif b"\\" in document:  # a word with a character that JSON has to escape
        rows = msgspec.json.decode(document)
        frame = pl.DataFrame(rows, schema=[*types, _SPARE], orient="row").cast(types)  # type: ignore[arg-type]
    else:
        frame = pl.read_csv(
            document,
            has_header=False,
            skip_lines=2,
            schema=types,
            extra_columns="ignore",
            eol_char="[",
            null_values="null",
        )
    return frame.select(_as_meant(name, kind) for name, kind in kinds.items())


def _sent_as(name: str, kind: str) -> pl.DataType:
    whole = kind in ("i8", "?") or name in _BINARY_DIGITS
    return pl.Int64() if whole else _TYPES[kind]


def _as_meant(name: str, kind: str) -> pl.Expr:
    if name in _BINARY_DIGITS:
        return pl.col(name) / float(2 ** _BINARY_DIGITS[name])
    return pl.col(name).cast(pl.Boolean) if kind == "?" else pl.col(name)
