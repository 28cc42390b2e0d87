"""What a report is about: a highway, a settlement, a rectangle, all that was measured, what was
chosen of it, or the programme.

Judged places are never cut: what a subject cuts through is taken whole, or a verdict would stand
for a stretch of which it saw a part. Must not judge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor

import polars as pl

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M
from fieldsurvey.analysis.whole_places import whole_places
from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.places_file import Places


@dataclass(frozen=True, slots=True)
class Highway:
    """A highway from one kilometre post to another; None is its end."""

    ref: str
    from_m: float | None = None
    to_m: float | None = None

    def judged_range_m(self) -> tuple[float, float]:
        """Return the whole stretches that it lies in."""
        first = floor((self.from_m or 0.0) / JUDGED_LENGTH_M) * JUDGED_LENGTH_M
        if self.to_m is None:
            return first, float("inf")
        return first, ceil(self.to_m / JUDGED_LENGTH_M) * JUDGED_LENGTH_M


@dataclass(frozen=True, slots=True)
class Settlement:
    """One settlement, by its id in the places file. ``name``: where no places file tells it."""

    settlement_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of WGS 84 degrees, with all stretches, settlements and cells in which anything
    was measured inside it."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    def holds(self, latitude: pl.Expr, longitude: pl.Expr) -> pl.Expr:
        return latitude.is_between(self.south_deg, self.north_deg) & longitude.is_between(
            self.west_deg, self.east_deg
        )


@dataclass(frozen=True, slots=True)
class Everything:
    """All that was measured."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen of it elsewhere. ``said``: how, in the words of the report's language."""

    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Programme:
    """The national programme, target by target."""


Subject = Highway | Settlement | Box | Everything | Selection | Programme


def highway_from(text: str) -> Highway:
    """Return the highway of ``REF`` or ``REF:KM-KM``. Raises KnownError ``report.bad_highway``."""
    ref, colon, kilometres = text.partition(":")
    try:
        if not ref.strip():
            raise ValueError(text)
        if not colon:
            return Highway(ref.strip())
        first, last = (float(part) * 1_000.0 for part in kilometres.split("-"))
        if not 0 <= first < last < float("inf"):
            raise ValueError(kilometres)
    except ValueError as error:
        raise KnownError("report.bad_highway", given=text) from error
    return Highway(ref.strip(), first, last)


def known_highway(asked: Highway, m: Measurements, places: Places | None) -> Highway:
    """Return a highway as the places file or the measurements write it, in whatever case it was
    asked for. Raises KnownError ``report.no_highway``, or ``report.no_kilometre`` where it ends
    before the part that was asked for."""
    ends_m: dict[str, float] = {}
    for line in places.highway_lines() if places is not None else []:
        ends_m[line.ref] = max(line.length_m, ends_m.get(line.ref, 0.0))
    seen = pl.concat([rows["highway_ref"].cast(pl.String) for rows in (m.tests, m.samples)])
    known = sorted({*ends_m, *seen.drop_nulls().unique()})
    same = [ref for ref in known if ref.casefold() == asked.ref.casefold()]
    # Two that differ in case alone are two: then only the very one is meant.
    ref = asked.ref if asked.ref in known or len(same) != 1 else same[0]
    if ref not in known:
        raise KnownError("report.no_highway", given=asked.ref)
    if asked.from_m is not None and asked.from_m >= ends_m.get(ref, float("inf")):
        km = f"{ends_m[ref] / 1000:.1f}"
        raise KnownError("report.no_kilometre", ref=ref, km=km, from_km=f"{asked.from_m / 1000:g}")
    return replace(asked, ref=ref)


def region_from(text: str, places: Places | None) -> Box | Settlement:
    """Return the box of ``WEST,SOUTH,EAST,NORTH`` in degrees, or the settlement of an id or a name
    in any language. Raises KnownError ``report.bad_region``, ``report.no_settlement``,
    ``report.many_settlements`` or, for a name without places, ``report.needs_places``."""
    parts = text.split(",")
    if len(parts) == 4:
        try:
            west, south, east, north = map(float, parts)
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise ValueError(text)
        except ValueError as error:
            raise KnownError("report.bad_region", given=text) from error
        return Box(west, south, east, north)
    if places is None:
        raise KnownError("report.needs_places", given=text)
    return _settlement(text.strip(), places)


def _settlement(wanted: str, places: Places) -> Settlement:
    table = places.settlements()
    if wanted in table.id:
        return Settlement(wanted)
    names = (table.name, table.name_en, table.name_ru, table.name_kk)
    found = [
        index
        for index in range(len(table))
        if any(column[index].casefold() == wanted.casefold() for column in names)
    ]
    if not found:
        raise KnownError("report.no_settlement", given=wanted)
    if len(found) > 1:
        ids = ", ".join(table.id[index] for index in found[:8])
        raise KnownError("report.many_settlements", given=wanted, number=len(found), ids=ids)
    return Settlement(table.id[found[0]])


def of_subject(m: Measurements, subject: Subject) -> Measurements:
    """Return the rows that a report on ``subject`` has to judge."""
    match subject:
        case Highway():
            first, end = subject.judged_range_m()
            there = (pl.col("highway_ref").cast(pl.String) == subject.ref) & (
                pl.col("chainage_m") >= first
            ) & (pl.col("chainage_m") < end)  # fmt: skip
            return _rows(m, m.tests.filter(there), m.samples.filter(there))
        case Settlement():
            inside = pl.col("settlement_id").cast(pl.String) == subject.settlement_id
            return _rows(m, m.tests.filter(inside), m.samples.filter(inside))
        case Box():
            return _reaching_into(m, subject)
        case _:
            return m


def _rows(m: Measurements, tests: pl.DataFrame, samples: pl.DataFrame) -> Measurements:
    return replace(m, tests=tests, samples=samples)


def _reaching_into(m: Measurements, box: Box) -> Measurements:
    """Return the rows inside, and all of the places that any of them lies in."""
    inside = [
        rows.select(
            box.holds(pl.col(f"{prefix}latitude_deg"), pl.col(f"{prefix}longitude_deg"))
            .fill_null(value=False)
        ).to_series()
        for rows, prefix in ((m.tests, "start_"), (m.samples, ""))
    ]  # fmt: skip
    return whole_places(m, *inside)
