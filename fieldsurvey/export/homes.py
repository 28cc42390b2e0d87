"""Areas whose rows are left out of an export: where somebody lives is nobody else's business.

What is left out is counted and told, so that an export never passes for all there is. The survey
and what headquarters gets stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fieldsurvey.export.tables import LeftOut, SurveyTables
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.geodesy import metres_per_degree

if TYPE_CHECKING:
    import polars as pl

MOST_RADIUS_M = 50_000.0  # more is no home, but a mistyped coordinate


@dataclass(frozen=True, slots=True)
class HomeArea:
    """A circle, WGS 84 degrees and metres."""

    latitude_deg: float
    longitude_deg: float
    radius_m: float


def home_area_from(text: str) -> HomeArea:
    """Read "latitude,longitude,radius_m". Raises KnownError ``export.bad_home``."""
    try:
        latitude_deg, longitude_deg, radius_m = (float(part) for part in text.split(","))
    except ValueError as error:
        raise KnownError("export.bad_home", text=text) from error
    known = abs(latitude_deg) <= 90 and abs(longitude_deg) <= 180
    if not (known and 0 < radius_m <= MOST_RADIUS_M):
        raise KnownError("export.bad_home", text=text)
    return HomeArea(latitude_deg, longitude_deg, radius_m)


def without_homes(tables: SurveyTables, homes: Sequence[HomeArea]) -> SurveyTables:
    """Return ``tables`` without the rows inside ``homes``, and with their numbers.

    A second counts as inside while its newest fix is, however old that is, and so do the seconds
    before the first fix of a drive that begins inside. A test is left out if either end is inside.
    """
    if not homes:
        return tables

    def pieces() -> Iterator[pl.DataFrame]:
        for piece in tables.sample_pieces():
            kept = piece.filter(~_second_inside(homes))
            if len(kept):
                yield kept

    tests = tables.tests.filter(~(_inside(homes, "start_") | _inside(homes, "end_")))
    # Counted beforehand: a format may have to say it in its first lines.
    kept_samples = sum(len(piece) for piece in pieces())
    return replace(
        tables,
        tests=tests,
        sample_count=kept_samples,
        sample_pieces=pieces,
        left_out=LeftOut(tables.sample_count - kept_samples, len(tables.tests) - len(tests)),
    )


def _second_inside(homes: Sequence[HomeArea]) -> pl.Expr:
    import polars as pl

    here = pl.when(pl.col("latitude_deg").is_not_null()).then(_inside(homes, ""))
    return here.backward_fill().fill_null(value=False)


def _inside(homes: Sequence[HomeArea], prefix: str) -> pl.Expr:
    """True where a position lies in any of the areas; false where there is none."""
    import polars as pl

    return pl.any_horizontal(_distance_m(home, prefix) <= home.radius_m for home in homes)


def _distance_m(home: HomeArea, prefix: str) -> pl.Expr:
    """Distance on the plane that touches the earth there; null becomes endless."""
    import polars as pl

    north_m, east_m = metres_per_degree(home.latitude_deg)
    north_deg = pl.col(f"{prefix}latitude_deg") - home.latitude_deg
    east_deg = (pl.col(f"{prefix}longitude_deg") - home.longitude_deg).abs()
    east_deg = pl.min_horizontal(east_deg, 360.0 - east_deg)
    distance_m = ((north_deg * north_m).pow(2) + (east_deg * east_m).pow(2)).sqrt()
    return distance_m.fill_null(float("inf"))
