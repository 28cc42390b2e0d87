"""What is written as pages, SQLite reads as rows, checks, and goes on with."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.export import sqlite_pages
from fieldsurvey.export.gpkg_rtree import PackedIndex
from fieldsurvey.export.gpkg_schema import root_of
from fieldsurvey.export.sqlite_cells import PAGE_BYTES, cells_of, varints
from fieldsurvey.export.sqlite_pages import PageWriter, TableWriter

KINDS = {
    "real": pl.Float64, "whole": pl.Int64, "truth": pl.Boolean, "words": pl.String,
    "blob": pl.Binary,
}  # fmt: skip
ROW = st.tuples(
    st.none() | st.floats(allow_nan=False),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.booleans(),
    st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
    st.none() | st.binary(max_size=40_000),
)


@contextlib.contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        yield connection


def written(path: Path, rows: list[tuple[Any, ...]], pieces: int = 1, first: int = 1) -> None:
    path.unlink(missing_ok=True)
    with connected(path) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        columns = ", ".join(("real REAL", "whole INTEGER", "truth BOOLEAN", "words TEXT", "blob"))
        connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns})")
        connection.execute("CREATE TABLE other (a)")
        connection.commit()
        found = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 't'")
        (root,) = found.fetchone()
    frame = pl.DataFrame(rows, schema=KINDS, orient="row")
    with path.open("r+b") as file:
        pages = PageWriter(file)  # type: ignore[arg-type] # a file opened for both
        table = TableWriter(pages, root)
        step = -(-len(rows) // pieces)
        for at in range(0, len(rows), step or 1):
            part = frame[at : at + step]
            table.add(cells_of(part.to_arrow(), np.arange(first + at, first + at + len(part))))
        table.finish()
        pages.finish()


def checked(path: Path, rows: list[tuple[Any, ...]], first: int = 1) -> None:
    with connected(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        read = connection.execute("SELECT * FROM t ORDER BY id").fetchall()
        assert [row[0] for row in read] == list(range(first, first + len(rows)))
        for found, row in zip(read, rows, strict=True):
            truth = None if row[2] is None else int(row[2])
            assert found[1:] == (row[0], row[1], truth, row[3], row[4])
        # SQLite can go on with it, and finds its way in a tree it did not make.
        connection.execute("INSERT INTO t (words) VALUES ('more')")
        connection.execute("DELETE FROM t WHERE id % 2")
        connection.commit()
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@settings(max_examples=12, deadline=None)
@given(rows=st.lists(ROW, max_size=12), pieces=st.integers(1, 3))
def test_any_row_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]], pieces: int
) -> None:
    path = tmp_path_factory.mktemp("pages") / "t.db"
    written(path, rows, pieces)
    checked(path, rows)


@pytest.mark.parametrize("count", [0, 1, 130, 131, 127 * 40, 20_000])
def test_any_number_of_rows(tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for one page, for two levels and, with narrow pages, for three."""
    monkeypatch.setattr(sqlite_pages, "_MOST_CHILDREN", 7)
    rows = [
        (n / 3, n, n % 2 == 0, "Қапшағай" * (n % 9), bytes([n % 256]) * 80) for n in range(count)
    ]
    written(tmp_path / "t.db", rows, pieces=3, first=127)
    checked(tmp_path / "t.db", rows, first=127)


@pytest.mark.parametrize("columns", [125, 126, 127, 200])
def test_a_row_of_many_columns(tmp_path: Path, columns: int) -> None:
    """The length of a row's header is in the header, and may take two bytes itself."""
    path = tmp_path / "t.db"
    names = [f"c{number}" for number in range(columns)]
    with connected(path) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(names)})")
        connection.commit()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master").fetchone()
    frame = pl.DataFrame({name: [number, None] for number, name in enumerate(names)})
    with path.open("r+b") as file:
        pages = PageWriter(file)  # type: ignore[arg-type] # a file opened for both
        table = TableWriter(pages, root)
        table.add(cells_of(frame.to_arrow(), np.array([1, 2])))
        table.finish()
        pages.finish()
    with connected(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        first, second = connection.execute("SELECT * FROM t ORDER BY id").fetchall()
    assert first == (1, *range(columns))
    assert second == (2, *[None] * columns)


def test_a_row_that_fits_no_page_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than a page"):
        cells_of(pa.table({"words": ["x" * PAGE_BYTES]}).cast(
            pa.schema({"words": pa.large_string()})), np.array([1]))  # fmt: skip


def test_numbers_of_any_length() -> None:
    values = [0, 127, 128, 16_383, 16_384, 2**21 - 1, 2**21, 2**28, 2**35 - 1]
    starts, data = varints(np.array(values, dtype=np.uint64))
    sizes = np.diff(starts).tolist()
    assert sizes == [1, 1, 2, 2, 3, 3, 4, 5, 5]
    for value, start, size in zip(values, starts[:-1].tolist(), sizes, strict=True):
        read = 0
        for byte in data[start : start + size].tolist():
            read = read << 7 | byte & 0x7F
        assert read == value


@pytest.mark.parametrize("count", [0, 1, 51, 52, 2_601, 2_602, 140_000])
def test_the_index_finds_every_point_and_no_other(tmp_path: Path, count: int) -> None:
    """As deep as a million points: checked by SQLite, and asked for a box."""
    chance = np.random.default_rng(count)
    longitudes = pl.Series(76 + chance.random(count).cumsum() / 100, dtype=pl.Float64)
    latitudes = pl.Series(43 + chance.normal(0, 1, count), dtype=pl.Float64)
    latitudes = latitudes.set(pl.Series(chance.random(count) < 0.1, dtype=pl.Boolean), None)
    index = PackedIndex()
    index.add(1, longitudes[: count // 2], latitudes[: count // 2])
    index.add(1 + count // 2, longitudes[count // 2 :], latitudes[count // 2 :])
    path = tmp_path / "t.db"
    with connected(path) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("CREATE VIRTUAL TABLE r USING rtree(id, minx, maxx, miny, maxy)")
        connection.commit()
        connection.execute("DELETE FROM r_node")
        connection.commit()
        roots = [root_of(connection, f"r_{table}") for table in ("node", "parent", "rowid")]
    with path.open("r+b") as file:
        pages = PageWriter(file)  # type: ignore[arg-type] # a file opened for both
        for root, rows in zip(roots, index.pack(), strict=True):
            table = TableWriter(pages, root)
            for cells in rows:
                table.add(cells)
            table.finish()
        pages.finish()
    with connected(path) as connection:
        assert connection.execute("SELECT rtreecheck('r')").fetchall() == [("ok",)]
        read = connection.execute("SELECT id FROM r WHERE maxy >= 43.5 AND miny <= 44").fetchall()
        connection.execute("INSERT INTO r VALUES (?, 1, 1, 1, 1)", (count + 1,))
        assert connection.execute("SELECT rtreecheck('r')").fetchall() == [("ok",)]
    inside = latitudes.is_between(43.5, 44).fill_null(value=False)
    expected = {at + 1 for at in inside.arg_true().to_list()}
    assert {row[0] for row in read} >= expected
    assert len(read) - len(expected) <= 2  # 32 bit round outwards
