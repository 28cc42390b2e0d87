"""H3 cells of positions: the hexagons that archive and desk count by.

A cell is found once, at the finest of our resolutions; coarser ones are its parents, so that every
cell lies in one parent only. (The parent is not always the coarse cell that the point itself lies
in: H3's cells do not nest exactly, and sums must.)
"""

import numpy as np
import numpy.typing as npt

FINEST = 9
RESOLUTIONS = (5, 7, 9)

# Of an index: 4 bits of resolution from bit 52 on, then 3 bits for each of 15 digits; digits beyond
# the resolution are 7. Source: H3 documentation, "H3Index Bit Layout".
_RESOLUTION_AT = 52
_DIGIT_BITS = 3
_FINEST_OF_H3 = 15


def cells(
    latitude_deg: npt.NDArray[np.float64], longitude_deg: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Return the cells at resolution ``FINEST``. Raises ValueError for what is no position."""
    from h3.api.basic_int import latlng_to_cell

    if not (np.all(np.abs(latitude_deg) <= 90) and np.all(np.abs(longitude_deg) <= 180)):
        raise ValueError("not positions")
    found = [
        latlng_to_cell(latitude, longitude, FINEST)
        for latitude, longitude in zip(latitude_deg.tolist(), longitude_deg.tolist(), strict=True)
    ]
    return np.array(found, np.int64)


def parents(cells_at_finest: npt.NDArray[np.int64], resolution: int) -> npt.NDArray[np.int64]:
    """Return the parents at a coarser ``resolution``."""
    unused_digits = (1 << _DIGIT_BITS * (_FINEST_OF_H3 - resolution)) - 1
    without_resolution = cells_at_finest & ~np.int64(15 << _RESOLUTION_AT)
    return without_resolution | np.int64(resolution << _RESOLUTION_AT) | np.int64(unused_digits)
