"""Cells against the H3 library itself."""

import h3.api.basic_int as h3
import numpy as np
import pytest

from fieldsurvey.analysis.h3_index import FINEST, RESOLUTIONS, cells, parents


def test_cells_and_parents_are_the_librarys() -> None:
    chance = np.random.default_rng(3)
    latitude_deg = np.append(chance.uniform(-90, 90, 2_000), [90.0, -90.0, 0.0, 43.25])
    longitude_deg = np.append(chance.uniform(-180, 180, 2_000), [180.0, -180.0, 0.0, 76.95])
    found = cells(latitude_deg, longitude_deg)
    assert found.dtype == np.int64
    assert found.tolist() == [
        h3.latlng_to_cell(*pair, FINEST) for pair in zip(latitude_deg, longitude_deg, strict=True)
    ]
    for resolution in (*RESOLUTIONS, 0):
        expected = [h3.cell_to_parent(cell, resolution) for cell in found.tolist()]
        assert parents(found, resolution).tolist() == expected


def test_no_positions() -> None:
    assert len(cells(np.zeros(0), np.zeros(0))) == 0


@pytest.mark.parametrize("pair", [(90.1, 0.0), (0.0, 180.1), (np.nan, 0.0), (0.0, np.inf)])
def test_what_is_no_position(pair: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="not positions"):
        cells(np.array([pair[0]]), np.array([pair[1]]))
