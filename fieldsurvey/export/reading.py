"""What a reader of another tool's files promises, and what it hands over.

Readers turn files into rows of the export tables (:mod:`fieldsurvey.export.tables`); they write
nothing and judge nothing. Every row they read is in a piece: as a second, a test, an event, as odd,
or counted among those left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from fieldsurvey.export.delimited import LINE, OddRow, find_layout, read_pieces
from fieldsurvey.export.foreign import any_without_zone, decimal_mark, numbers, utc_us, words
from fieldsurvey.export.source import Source

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ForeignEvent:
    """Something another tool noted; ``what`` in its own words."""

    line: int
    utc_us: int
    what: str


@dataclass(slots=True)
class Piece:
    """Some rows of a file. ``samples`` and ``tests`` have columns of the export tables, and
    ``line``; a column that is not there is null. ``rows`` were read for it; ``left_out`` counts
    those that are understood and no measurement, by message id (``import.left_out_*``);
    ``repeated`` those that the reader knew again, beside the ones that are equal in all."""

    samples: pl.DataFrame | None = None
    tests: pl.DataFrame | None = None
    events: list[ForeignEvent] = field(default_factory=list)
    odd: list[OddRow] = field(default_factory=list)
    rows: int = 0
    repeated: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable_cells: Counter[str] = field(default_factory=Counter)  # by column
    unused_columns: set[str] = field(default_factory=set)
    absent_columns: set[str] = field(default_factory=set)  # that such a file could have
    without_zone: bool = False  # a time lacked it, against the format
    share: float = 0.0


class Reader(Protocol):
    """A format. ``has_zone``: its times say where they are of. ``exported``: it is one of ours, so
    drives and tests in it keep their ids, and what was replayed stays so."""

    @property
    def name(self) -> str: ...

    @property
    def has_zone(self) -> bool: ...

    @property
    def exported(self) -> bool: ...

    def recognises(self, source: Source) -> bool:
        """Tell by the content whether this is a file of the format."""
        ...

    def read(self, source: Source, zone: str) -> Iterator[Piece]:
        """Yield the rows in the order of the file; times without a zone are of ``zone``. Raises
        ``KnownError`` ``import.unreadable`` where the file is broken as a whole."""
        ...


@dataclass(frozen=True, slots=True)
class PositionColumns:
    """The columns of one position; what belongs to another one is never mixed in."""

    latitude: tuple[str, ...] = ("latitude", "lat")
    longitude: tuple[str, ...] = ("longitude", "lon", "long", "lng")
    altitude: tuple[str, ...] = ("altitude",)
    accuracy: tuple[str, ...] = ("accuracy",)


@dataclass(slots=True)
class SoFar:
    """What the pieces of a file tell of it as a whole, as far as it was read."""

    mark: str | None = None  # of decimals
    measured: set[str] = field(default_factory=set)  # columns that said anything but 0
    slot: str | None = None  # of the SIM card whose drive it is


class Cells:
    """Columns of text, asked for by the names they have in different versions of a tool."""

    def __init__(self, frame: pl.DataFrame, zone: str, so_far: SoFar) -> None:
        self.frame = frame
        self.unreadable: Counter[str] = Counter()
        self.used: set[str] = set()
        self._zone = zone
        self.so_far = so_far

    def __len__(self) -> int:
        return len(self.frame)

    def where(self, kept: pl.Series) -> Cells:
        """Return the same columns for some of the rows; both know what was used of either."""
        narrowed = Cells(self.frame.filter(kept), self._zone, self.so_far)
        narrowed.unreadable, narrowed.used = self.unreadable, self.used
        return narrowed

    def words(self, *names: str) -> pl.Series:
        """Return the first of the columns that says something, row by row."""
        return self._first([words(column) for column in self._there(names)], "String")

    def numbers(
        self,
        *names: str,
        low: float | None = None,
        high: float | None = None,
        zero_fills: bool = False,
    ) -> pl.Series:
        """The same as Float64. What lies outside of ``low`` to ``high`` is no value: tools write
        such for "not known". ``zero_fills``: so is 0 in a column that says nothing else."""
        found = []
        for column in self._there(names):
            said = words(column)
            values = numbers(said, self.so_far.mark or ".", either=True)
            self.unreadable[column.name] += values.null_count() - said.null_count()
            if zero_fills and column.name not in self.so_far.measured:
                if (values != 0).any():
                    self.so_far.measured.add(column.name)
                else:
                    values = values.clear(len(values))
            found.append(values)
        value = self._first(found, "Float64")
        if low is not None:
            value = value.set(value < low, None)
        if high is not None:
            value = value.set(value > high, None)
        return value

    def utc_us(self, *names: str) -> pl.Series:
        """The same as µs since 1970."""
        return self._first([utc_us(c, self._zone) for c in self._there(names)], "Int64")

    def any_without_zone(self, *names: str) -> bool:
        return any(any_without_zone(column) for column in self._there(names))

    def says(self, *names: str) -> pl.Series:
        """Tell where any of the columns says something, readable or not."""
        return self.words(*names).is_not_null()

    def _there(self, names: tuple[str, ...]) -> list[pl.Series]:
        there = [name for name in names if name in self.frame.columns]
        self.used.update(there)
        return [self.frame[name] for name in there]

    def _first(self, columns: list[pl.Series], kind: str) -> pl.Series:
        import polars as pl

        if not columns:
            return pl.repeat(None, len(self), dtype=getattr(pl, kind)(), eager=True)
        first = columns[0]
        for other in columns[1:]:
            first = first.zip_with(first.is_not_null(), other)
        return first


class DelimitedReader:
    """What logs in columns have in common: time, position, and what to do with a row without."""

    name = ""
    has_zone = False
    exported = False
    times: tuple[str, ...] = ()
    positions: tuple[PositionColumns, ...] = (PositionColumns(),)  # the best first
    only_whole: frozenset[str] = frozenset()
    """In a file with one of these columns all rows that end early are odd, even where all do: a
    cell may lack before the end as well, and a rate under another's name is worse than none."""

    def knows(self, names: set[str]) -> bool:
        """Tell whether a header with these (normalised) names is one of this format."""
        raise NotImplementedError

    def odd(self, cells: Cells) -> pl.Series:
        """Return why a row cannot be believed, as a message id without its area; else null."""
        import polars as pl

        return pl.repeat(None, len(cells), dtype=pl.String, eager=True)

    def take(self, cells: Cells, rows: pl.DataFrame, piece: Piece) -> None:
        """Put ``rows`` (``line``, ``utc_us``, position with altitude and accuracy; in step with
        ``cells``) into ``piece``."""
        raise NotImplementedError

    def recognises(self, source: Source) -> bool:
        return find_layout(source, self.knows) is not None

    def read(self, source: Source, zone: str) -> Iterator[Piece]:
        layout = find_layout(source, self.knows)
        assert layout is not None
        if self.only_whole.intersection(layout.names):
            layout = replace(layout, usual_width=max(layout.usual_width, len(layout.names)))
        so_far = SoFar()
        for text in read_pieces(source, layout):
            so_far.mark = so_far.mark or self._mark_of(text.frame)
            piece = Piece(odd=text.odd, rows=len(text.frame) + len(text.odd), share=text.share)
            cells = Cells(text.frame, zone, so_far)
            if len(text.frame):
                rows = self._located(cells, text.texts, piece)
                piece.without_zone = self.has_zone and cells.any_without_zone(*self.times)
                cells = cells.where(rows["kept"])
                self.take(cells, rows.filter("kept").drop("kept"), piece)
            piece.unreadable_cells = +cells.unreadable
            piece.unused_columns = _speaking(text.frame, set(text.frame.columns) - cells.used)
            yield piece

    def _mark_of(self, frame: pl.DataFrame) -> str | None:
        for name in (n for p in self.positions for n in (*p.longitude, *p.latitude)):
            if name in frame.columns and words(frame[name]).is_not_null().any():
                return decimal_mark(frame[name])
        return None

    def _where(self, cells: Cells) -> pl.DataFrame:
        """Return the best position that a row tells in full, and whether there is one."""
        import polars as pl

        found: pl.DataFrame | None = None
        for columns in self.positions:
            latitude, longitude = (
                cells.numbers(*columns.latitude),
                cells.numbers(*columns.longitude),
            )
            said = cells.says(*columns.latitude) & cells.says(*columns.longitude)
            # Receivers that never had a fix say they are in the Gulf of Guinea.
            nowhere = (latitude == 0) & (longitude == 0)
            known = said & ~nowhere.fill_null(value=False)
            one = pl.DataFrame(
                {
                    "latitude_deg": latitude,
                    "longitude_deg": longitude,
                    "altitude_m": cells.numbers(*columns.altitude, low=-500, high=20_000),
                    "accuracy_m": cells.numbers(*columns.accuracy, low=0, high=1e6),
                }
            )
            one = one.select(pl.when(known).then(pl.all())).with_columns(known=known)
            if found is None:
                found = one
            else:
                better = found["known"]
                found = pl.DataFrame(
                    [f.zip_with(better, o) for f, o in zip(found, one, strict=True)]
                )
        assert found is not None
        return found

    def _located(self, cells: Cells, texts: pl.Series, piece: Piece) -> pl.DataFrame:
        """Return time and position of each row, and whether it is kept; put the others aside."""
        where = self._where(cells)
        latitude, longitude = where["latitude_deg"], where["longitude_deg"]
        on_earth = latitude.is_between(-90, 90) & longitude.is_between(-180, 180)
        misplaced = where["known"] & ~on_earth.fill_null(value=False)
        time_us = cells.utc_us(*self.times)
        odd = self.odd(cells)
        rows = where.drop("known").with_columns(
            **{
                LINE: cells.frame[LINE],
                "utc_us": time_us,
                "kept": time_us.is_not_null() & ~misplaced & odd.is_null(),
            },
        )
        for number in rows["kept"].not_().arg_true().to_list():
            reason = "odd_time" if time_us[number] is None else "odd_position"
            piece.odd.append(OddRow(int(rows[LINE][number]), odd[number] or reason, texts[number]))
        return rows


def _speaking(frame: pl.DataFrame, names: set[str]) -> set[str]:
    """Return those of the columns in which anything is said."""
    return {name for name in names - {LINE} if words(frame[name]).is_not_null().any()}


def tags_of(rows: pl.DataFrame) -> pl.Series:
    """Return what stands in each row as a JSON object of texts; null where that is nothing."""
    import polars as pl

    said = (
        {name: str(value) for name, value in row.items() if value is not None}
        for row in rows.iter_rows(named=True)
    )
    encoded = [json.dumps(tags, ensure_ascii=False) if tags else None for tags in said]
    return pl.Series(encoded, dtype=pl.String)
