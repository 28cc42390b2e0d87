"""The seconds and tests of a whole survey for desks and exports: a million in a few seconds.

SQLite hands over a piece of the seconds as a few JSON documents instead of a value at a time. That
keeps Python, and its lock, out of the way: pieces are read in threads, each with a connection of
its own. Names and meaning are those of :mod:`fieldsurvey.store.columns`, but what is not known is
null.

Spelling reals out is what costs most, so the usual ones travel as whole numbers of 2^-47 degrees or
2^-20 metres, decibels and so on: positions beyond 32 degrees come back to the last bit, the others
to a millionth. Imported where it is used: it needs polars.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
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
    "speed_mps": 20,
    "rsrp_dbm": 20,
    "rsrq_db": 20,
    "sinr_db": 20,
    "chainage_m": 20,
}
# Of a second without a place the latter's columns are null; where none are asked for, SQLite leaves
# that table alone.
_TABLES = "sample t LEFT JOIN sample_place p ON p.sample_seq = t.seq"
_SPARE = "0]"  # the last field of a line
# A line that fits into SQLite's own hundred bytes is put together without asking for memory, for
# which one thread would wait for the other: a tenth of the time. Longer ones are read as well.
_LINE_BYTES = 95
_USUAL_BYTES = {"i8": 17, "?": 2, "f8": 11, "O": 10}
_THREADS = 2
_AHEAD = 2
_PIECE_TESTS = 2_000
_PIECE_VALUES = 1 << 20  # some ten megabytes of JSON for each thread; each piece costs 3 ms


def sample_pieces(
    path: Path,
    only: Sequence[str],
    fix_age_limit_us: int | None = None,
    told: Callable[[float], None] = lambda share: None,
) -> Iterator[pl.DataFrame]:
    """Yield ``only`` some columns of the seconds that the survey holds now, in ``seq`` order, a
    piece after the other, while the next ones are read: at first one without rows.

    Words are categories, truth is boolean, ``seq``, ``drive_index``, ``run`` and other numbers that
    are always there are whole numbers, all others reals. Of a fix older than ``fix_age_limit_us``
    all is null, and its place with it, as in exports and in the archive. ``told`` hears the share
    done, 0 to 1; what it raises ends the reading. Raises KnownError as :meth:`SurveyFile.open`
    does.
    """
    with SurveyFile.open(path, read_only=True) as survey, known_errors(path):
        # Asked for together, they would take a scan of the whole table.
        first, last = survey.connection.execute(
            "SELECT (SELECT min(seq) FROM sample), (SELECT max(seq) FROM sample)"
        ).fetchone()
        drives = _seqs(survey.connection, "drive")
        resumed = _seqs(survey.connection, "event WHERE kind = 'drive_resumed'")
    spans = [] if first is None else _spans(first, last, resumed, _PIECE_VALUES // len(only))
    runs = np.searchsorted(resumed, [first for first, _ in spans], "right").tolist()
    reading = _Reading(path, only, drives, fix_age_limit_us)
    yield reading.empty()
    for done, rows in enumerate(reading.pieces(list(zip(spans, runs, strict=True))), 1):
        told(done / len(spans))
        yield rows


def sample_frame(
    path: Path,
    only: Sequence[str],
    fix_age_limit_us: int,
    told: Callable[[float], None] = lambda share: None,
) -> pl.DataFrame:
    """Return all of :func:`sample_pieces` as one frame."""
    return pl.concat(sample_pieces(path, only, fix_age_limit_us, told))


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


def _columns(names: Sequence[str], fix_age_limit_us: int | None) -> dict[str, tuple[str, str]]:
    """Return SQL and kind of each column."""
    found = {}
    for name in names:
        sql, kind = SAMPLE_COLUMNS[name]
        if name in _BINARY_DIGITS:
            sql = f"CAST({sql} * {float(2 ** _BINARY_DIGITS[name])!r} AS INTEGER)"
        if fix_age_limit_us is not None:
            if SAMPLE_COLUMNS[name][0].startswith("t.fix_"):
                sql = f"CASE WHEN t.fix_age_us <= {fix_age_limit_us:d} THEN {sql} END"
            elif SAMPLE_COLUMNS[name][0].startswith("p."):  # a place may have come without a fix
                sql = f"CASE WHEN t.fix_age_us > {fix_age_limit_us:d} THEN NULL ELSE {sql} END"
        found[name] = sql, kind
    return found


def _spans(first: int, last: int, resumed: Sequence[int], seqs: int) -> list[Span]:
    """Return pieces of one run each, so that no second has to tell its number."""
    begins = range(first, last + 1, max(seqs, 1))
    starts = sorted({*begins, *(seq for seq in resumed if first < seq <= last)})
    return list(zip(starts, [*(start - 1 for start in starts[1:]), last], strict=True))


class _Reading:
    """Reads pieces of the seconds in threads."""

    def __init__(
        self, path: Path, only: Sequence[str], drives: list[int], fix_age_limit_us: int | None
    ) -> None:
        self._path, self._only, self._drives = path, list(only), drives
        columns = _columns([name for name in only if name != "run"] or ["seq"], fix_age_limit_us)
        self._lines = _lines({name: kind for name, (_, kind) in columns.items()})
        meant = (_as_meant(name, kind) for name, (_, kind) in columns.items())
        self._meant = [column for column in meant if column is not None]
        documents = (
            f"CAST(json_group_array(json_array({', '.join(columns[name][0] for name in line)}, 0))"
            " AS BLOB)"
            for line in self._lines
        )
        self._sql = f"SELECT {', '.join(documents)} FROM {_TABLES} WHERE t.seq BETWEEN ? AND ?"

    def empty(self) -> pl.DataFrame:
        """Return a piece without rows."""
        return self._as_asked(self._read([b"[]"] * len(self._lines)), 0)

    def _read(self, documents: Sequence[bytes]) -> pl.DataFrame:
        """Return the columns of all documents, which have a line for each second."""
        first, *others = map(_rows, documents, self._lines)
        for rows in others:
            first = first.hstack(rows)
        return first

    def pieces(self, spans: Sequence[tuple[Span, int]]) -> Iterator[pl.DataFrame]:
        """Yield the piece of each span, given with its run, in their order; few are held ahead."""
        waiting: deque[Future[pl.DataFrame]] = deque()
        with ExitStack() as stack:
            threads = [stack.enter_context(_ReadingThread(self._path)) for _ in range(_THREADS)]
            try:
                for (span, run), thread in zip(spans, itertools.cycle(threads), strict=False):
                    waiting.append(thread.submit(partial(self._piece, span, run)))
                    if len(waiting) > _AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for unwanted in waiting:
                    unwanted.cancel()

    def _piece(self, span: Span, run: int, connection: Connection) -> pl.DataFrame:
        with known_errors(self._path):
            documents = connection.execute(self._sql, span).fetchone()
        try:
            rows = self._read(documents)
        except (pl.exceptions.PolarsError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise KnownError("store.damaged", path=self._path, detail=str(error)) from error
        return self._as_asked(rows, run)

    def _as_asked(self, rows: pl.DataFrame, run: int) -> pl.DataFrame:
        """Return rows as they came with what they mean, in one go: each costs a millisecond."""
        told: list[pl.Expr | pl.Series] = [*self._meant]
        if "run" in self._only:
            told.append(pl.lit(run, pl.Int64).alias("run"))
        if "drive_index" in self._only:
            told.append(_position(self._drives, rows["drive_index"]).alias("drive_index"))
        return rows.with_columns(told)[self._only]


class _ReadingThread:
    """A thread with a connection that is opened, used and closed in it. Kept open: with a new one
    for each piece, reading takes a third longer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "_ReadingThread":
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reading")
        try:
            opening = self._thread.submit(SurveyFile.open, self._path, read_only=True)
            self._survey = opening.result()
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.submit(self._survey.close).result()
        self._thread.shutdown()

    def submit(self, read: Callable[[Connection], pl.DataFrame]) -> Future[pl.DataFrame]:
        return self._thread.submit(read, self._survey.connection)


def _lines(kinds: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the columns by the lines that they travel in."""
    lines: list[dict[str, str]] = [{}]
    left = _LINE_BYTES
    for name, kind in kinds.items():
        left -= _USUAL_BYTES[kind]
        if left < 0 and lines[-1]:
            lines.append({})
            left = _LINE_BYTES - _USUAL_BYTES[kind]
        lines[-1][name] = kind
    return lines


def _rows(document: bytes, kinds: Mapping[str, str]) -> pl.DataFrame:
    """Return ``[[a, b, ..., 0], ...]`` as columns: to polars it is CSV whose lines end with "["."""
    types = {name: _sent_as(name, kind) for name, kind in kinds.items()}
    if document == b"[]":
        return pl.DataFrame(schema=types)
    if b"\\" in document:  # a word with a character that JSON has to escape
        rows = msgspec.json.decode(document)
        names = [*types, _SPARE]
        # By all rows: of a column that begins with a hundred nulls, polars would refuse the rest.
        told = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
        return told.select(pl.col(name).cast(kind) for name, kind in types.items())
    return pl.read_csv(
        document,
        has_header=False,
        skip_lines=2,
        schema=types,
        extra_columns="ignore",
        eol_char="[",
        null_values="null",
    )


def _sent_as(name: str, kind: str) -> pl.DataType:
    whole = kind in ("i8", "?") or name in _BINARY_DIGITS
    return pl.Int64() if whole else _TYPES[kind]


def _as_meant(name: str, kind: str) -> pl.Expr | None:
    """Return what was sent as something else."""
    if name in _BINARY_DIGITS:
        return pl.col(name) / float(2 ** _BINARY_DIGITS[name])
    return pl.col(name).cast(pl.Boolean) if kind == "?" else None
