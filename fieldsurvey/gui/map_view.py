"""Which part of the world the map shows, and where things lie on it. Web Mercator.

The world is a square from 0 to 1, x eastwards and y southwards, as in tile numbering.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

TILE_PX = 256
MIN_ZOOM = 3.0
MAX_ZOOM = 17.0
_EQUATOR_M = 40_075_016.686
_LIMIT_DEG = 85.0511

Floats = NDArray[np.float64]


def project(latitude_deg: Floats, longitude_deg: Floats) -> tuple[Floats, Floats]:
    """Return world x and y of degrees, same shape; NaN stays NaN.

    Formula: spherical Mercator (EPSG:3857), scaled to the unit square.
    """
    latitude = np.radians(np.clip(latitude_deg, -_LIMIT_DEG, _LIMIT_DEG))
    x = (np.asarray(longitude_deg) + 180.0) / 360.0
    y = (1.0 - np.arcsinh(np.tan(latitude)) / math.pi) / 2.0
    return x, y


def project_one(latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
    """Return world x and y of one position."""
    x, y = project(np.array([latitude_deg]), np.array([longitude_deg]))
    return float(x[0]), float(y[0])


def degrees_of(x: float, y: float) -> tuple[float, float]:
    """Return latitude and longitude of a world position: :func:`project` backwards."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y)))), x * 360.0 - 180.0


@dataclass(frozen=True, slots=True)
class MapView:
    """Centre in world units, zoom as in tile numbering, size in pixels."""

    x: float = 0.685  # the middle of Kazakhstan
    y: float = 0.341
    zoom: float = 5.0
    width: int = 400
    height: int = 300

    @property
    def scale(self) -> float:
        """Pixels per world unit."""
        return float(TILE_PX * 2.0**self.zoom)

    @property
    def metres_per_px(self) -> float:
        latitude_deg, _ = degrees_of(self.x, self.y)
        return math.cos(math.radians(latitude_deg)) * _EQUATOR_M / self.scale

    def to_screen(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return (x - self.x) * self.scale + self.width / 2, (
            y - self.y
        ) * self.scale + self.height / 2

    def one_to_screen(self, x: float, y: float) -> tuple[float, float]:
        return (
            (x - self.x) * self.scale + self.width / 2,
            (y - self.y) * self.scale + self.height / 2,
        )

    def one_to_world(self, x_px: float, y_px: float) -> tuple[float, float]:
        """Return world x and y of a pixel."""
        return (
            self.x + (x_px - self.width / 2) / self.scale,
            self.y + (y_px - self.height / 2) / self.scale,
        )

    def bounds(self, margin_px: float = 0.0) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom in world units."""
        half_x = (self.width / 2 + margin_px) / self.scale
        half_y = (self.height / 2 + margin_px) / self.scale
        return self.x - half_x, self.y - half_y, self.x + half_x, self.y + half_y

    def zoomed(self, steps: float, at_px: tuple[float, float] | None = None) -> "MapView":
        """Return the view nearer by ``steps``; the point under ``at_px`` stays where it is."""
        zoom = min(MAX_ZOOM, max(MIN_ZOOM, self.zoom + steps))
        if at_px is None:
            return replace(self, zoom=zoom)
        off_x, off_y = at_px[0] - self.width / 2, at_px[1] - self.height / 2
        new_scale = TILE_PX * 2.0**zoom
        return replace(
            self,
            zoom=zoom,
            x=self.x + off_x / self.scale - off_x / new_scale,
            y=self.y + off_y / self.scale - off_y / new_scale,
        )

    def fitted(
        self, box: tuple[float, float, float, float], margin_px: float, covered_px: float = 0.0
    ) -> "MapView":
        """Return the view that shows ``box`` (left, top, right, bottom in world units) whole, to
        the right of what covers the map on its left."""
        left, top, right, bottom = box
        sides = self.width - covered_px, self.height
        room_x, room_y = (max(1.0, side - 2 * margin_px) for side in sides)
        scale = min(room_x / max(right - left, 1e-12), room_y / max(bottom - top, 1e-12))
        zoom = min(MAX_ZOOM, max(MIN_ZOOM, math.log2(scale / TILE_PX)))
        middle = replace(self, x=(left + right) / 2, y=(top + bottom) / 2, zoom=zoom)
        return middle.panned(covered_px / 2, 0)

    def panned(self, dx_px: float, dy_px: float) -> "MapView":
        return replace(self, x=self.x - dx_px / self.scale, y=self.y - dy_px / self.scale)
