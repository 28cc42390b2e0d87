"""A point is in a settlement by its border or its radius, or in none."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.places.settlements import (
    MAX_RADIUS_M,
    VILLAGE_RADIUS_M,
    SettlementIndex,
    radius_m,
)
from tests.support.places_lines import geodesic_m, offset, settlement_table

CENTRE = (48.0, 68.0)


def test_the_radius_follows_the_population_then_the_class() -> None:
    assert radius_m(300) == radius_m(-1) == VILLAGE_RADIUS_M
    assert radius_m(20_000) == pytest.approx(1_784, abs=1)
    assert radius_m(2_000_900) == pytest.approx(17_845, abs=1)
    assert radius_m(40_000_000) == MAX_RADIUS_M
    assert VILLAGE_RADIUS_M < radius_m(-1, "town") < radius_m(-1, "city")
    assert radius_m(300, "city") == VILLAGE_RADIUS_M


def test_the_nearest_centre_within_its_radius_is_the_settlement() -> None:
    table = settlement_table(
        ("Town", *CENTRE, 5_000.0), ("Village", *offset(*CENTRE, 0, 4_000), 1_500.0)
    )
    points = [offset(*CENTRE, 0, east) for east in (0, 1_900, 2_600, 5_400, 5_600, -5_100)]
    found = SettlementIndex(table).nearest(*np.array(points).T)
    assert found.index.tolist() == [0, 0, 1, 1, -1, -1]
    assert found.distance_m[:4].tolist() == pytest.approx([0, 1_900, 1_400, 1_400], abs=2)
    assert np.isnan(found.distance_m[4:]).all()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-30_000, 30_000), st.floats(-30_000, 30_000), st.floats(500.0, 20_000.0)
        ),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.tuples(st.floats(-40_000, 40_000), st.floats(-40_000, 40_000)), min_size=1),
)
def test_radii_agree_with_geodesic_distances(
    settlements: list[tuple[float, float, float]], points: list[tuple[float, float]]
) -> None:
    rows = [(f"S{i}", *offset(*CENTRE, n, e), r) for i, (n, e, r) in enumerate(settlements)]
    spots = [offset(*CENTRE, *point) for point in points]
    found = SettlementIndex(settlement_table(*rows)).nearest(*np.array(spots).T)
    for i, spot in enumerate(spots):
        metres = [geodesic_m(*spot, row[1], row[2]) for row in rows]
        clearly_inside = [j for j, row in enumerate(rows) if metres[j] < row[3] * 0.996 - 0.01]
        maybe_inside = [j for j, row in enumerate(rows) if metres[j] < row[3] * 1.004 + 0.01]
        index = int(found.index[i])
        if index < 0:
            assert not clearly_inside
            continue
        assert index in maybe_inside
        assert found.distance_m[i] == pytest.approx(metres[index], rel=4e-3, abs=0.01)
        assert metres[index] <= min((metres[j] for j in clearly_inside), default=1e9) * 1.008 + 0.1


def test_the_smallest_border_around_a_point_wins_over_any_radius() -> None:
    table = settlement_table(
        ("Radius", *CENTRE, 5_000.0),
        ("City", *CENTRE, 9_000.0),
        ("Quarter", *CENTRE, 9_000.0),
        borders={
            "City": shapely.box(67.9, 47.9, 68.1, 48.1).wkb,
            "Quarter": shapely.box(67.99, 47.99, 68.01, 48.01).wkb,
        },
    )
    latitude = np.array([48.0, 48.05, 48.2, np.nan])
    longitude = np.array([68.0, 68.05, 68.0, 68.0])
    found = SettlementIndex(table).nearest(latitude, longitude)
    assert found.index.tolist() == [2, 1, -1, -1]
    assert found.distance_m[:2].tolist() == [0.0, 0.0]


def test_a_settlement_with_a_border_has_no_radius_beside_it() -> None:
    table = settlement_table(
        ("City", *CENTRE, 9_000.0), borders={"City": shapely.box(67.99, 47.99, 68.01, 48.01).wkb}
    )
    outside = np.array([offset(*CENTRE, 0, 3_000)]).T
    assert SettlementIndex(table).nearest(*outside).index.tolist() == [-1]


def test_names_fall_back_from_the_language_to_the_source_to_any() -> None:
    table = settlement_table(("Akkol", *CENTRE, 1_500.0))
    assert table.name_in(0, "ru") == "Akkol по-русски"
    assert table.name_in(0, "kk") == "Akkol"
    assert table.name_in(0, "en") == "Akkol"


def test_without_settlements_there_is_none() -> None:
    found = SettlementIndex(settlement_table()).nearest(*np.array([CENTRE]).T)
    assert found.index.tolist() == [-1]
