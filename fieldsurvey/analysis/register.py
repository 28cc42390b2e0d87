"""What is known of places whether anybody was there or not: the whole that shares are of.

:class:`fieldsurvey.places.places_file.Places` is such a register; this side knows its shape only.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl


class Line(Protocol):
    """A connected line of a highway."""

    @property
    def ref(self) -> str: ...
    @property
    def length_m(self) -> float: ...


class Settlements(Protocol):
    """One entry per settlement in every column; ``population`` is -1 if unknown."""

    @property
    def id(self) -> tuple[str, ...]: ...
    @property
    def name(self) -> tuple[str, ...]: ...
    @property
    def name_en(self) -> tuple[str, ...]: ...
    @property
    def name_ru(self) -> tuple[str, ...]: ...
    @property
    def name_kk(self) -> tuple[str, ...]: ...
    @property
    def population(self) -> npt.NDArray[np.int64]: ...
    @property
    def border_wkb(self) -> tuple[bytes | None, ...]: ...


class Register(Protocol):
    """Highways and settlements of a country."""

    def highway_lines(self) -> Sequence[Line]: ...
    def settlements(self) -> Settlements: ...


def stretches_of(register: Register, length_m: int) -> pl.DataFrame:
    """Return ``highway_ref, from_m, to_m`` of every stretch there is; the last one of a highway
    ends with it.

    Lines of one number lie side by side and share its kilometre posts: a post is one stretch.
    """
    longest_m: dict[str, float] = defaultdict(float)
    for line in register.highway_lines():
        longest_m[line.ref] = max(longest_m[line.ref], line.length_m)
    rows = [
        (ref, start, min(start + length_m, int(np.ceil(end_m))))
        for ref, end_m in sorted(longest_m.items())
        for start in range(0, int(np.ceil(end_m)), length_m)
    ]
    types = {"highway_ref": pl.String(), "from_m": pl.Int64(), "to_m": pl.Int64()}
    return pl.DataFrame(rows, schema=types, orient="row")


def ended(judged: pl.DataFrame, register: Register, length_m: int) -> pl.DataFrame:
    """Return stretches of ``length_m``, the last one of each highway ending with it."""
    there = stretches_of(register, length_m)
    ends = there.select("highway_ref", "from_m", pl.col("to_m").alias("end_m"))
    return (
        judged.join(ends, on=["highway_ref", "from_m"], how="left", maintain_order="left")
        .with_columns(to_m=pl.coalesce("end_m", "to_m"))
        .drop("end_m")
    )


def populations(register: Register) -> pl.DataFrame:
    """Return ``settlement_id, population`` (null if unknown) of every settlement there is."""
    table = register.settlements()
    people = np.asarray(table.population)
    return pl.DataFrame(
        {
            "settlement_id": pl.Series(list(table.id), dtype=pl.String),
            "population": pl.Series(people, dtype=pl.Int64).set(pl.Series(people < 0), None),
        }
    )


def cities_by_names(
    register: Register, cities: Sequence[Sequence[str]]
) -> list[tuple[str, bool] | None]:
    """Return of each city, given by its names, the id of the most populous settlement of such a
    name and whether its border is known; None if there is none."""
    table = register.settlements()
    by_name: dict[str, int] = {}
    for column in (table.name, table.name_en, table.name_ru, table.name_kk):
        for index, name in enumerate(column):
            best = by_name.setdefault(name.casefold(), index)
            if table.population[index] > table.population[best]:
                by_name[name.casefold()] = index
    found: list[tuple[str, bool] | None] = []
    for names in cities:
        named = {by_name[name.casefold()] for name in names if name.casefold() in by_name}
        if not named:
            found.append(None)
            continue
        largest = max(named, key=lambda one: int(table.population[one]))
        found.append((table.id[largest], table.border_wkb[largest] is not None))
    return found
