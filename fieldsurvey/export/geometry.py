"""Positions as other programs want them: points in WKB, and the rectangle around them.

WGS 84, longitude first. A row without a position has no geometry; nothing is put at 0, 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

_POINT_BYTES = 21  # byte order, kind of geometry, x, y (OGC 06-103r4, 8.2.3)


def wkb_points(longitudes_deg: pl.Series, latitudes_deg: pl.Series) -> pa.Array:
    """Return little-endian WKB points, null where either coordinate is."""
    import numpy as np
    import pyarrow as pa

    known = (longitudes_deg.is_not_null() & latitudes_deg.is_not_null()).to_numpy()
    ends = np.cumsum(known, dtype=np.int32) * np.int32(_POINT_BYTES)
    offsets = np.concatenate([np.zeros(1, np.int32), ends])
    points = np.empty(
        int(known.sum()), dtype=[("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")]
    )
    points["order"] = points["kind"] = 1
    points["x"] = longitudes_deg.to_numpy()[known]
    points["y"] = latitudes_deg.to_numpy()[known]
    validity = np.packbits(known, bitorder="little")
    return pa.Array.from_buffers(
        pa.binary(),
        len(known),
        [pa.py_buffer(validity), pa.py_buffer(offsets), pa.py_buffer(points.tobytes())],
    )


@dataclass(slots=True)
class Bounds:
    """The rectangle around all points so far, in degrees."""

    west: float = float("inf")
    south: float = float("inf")
    east: float = float("-inf")
    north: float = float("-inf")

    def add(self, longitudes_deg: pl.Series, latitudes_deg: pl.Series) -> None:
        """Widen the rectangle by points; a row that lacks a coordinate is none."""
        known = longitudes_deg.is_not_null() & latitudes_deg.is_not_null()
        longitudes_deg, latitudes_deg = longitudes_deg.filter(known), latitudes_deg.filter(known)
        if not len(longitudes_deg):
            return
        self.west = min(self.west, float(str(longitudes_deg.min())))
        self.east = max(self.east, float(str(longitudes_deg.max())))
        self.south = min(self.south, float(str(latitudes_deg.min())))
        self.north = max(self.north, float(str(latitudes_deg.max())))

    def as_list(self) -> list[float] | None:
        """Return west, south, east, north; None where there was no point."""
        found = [self.west, self.south, self.east, self.north]
        return found if self.west <= self.east else None
