"""A supervisor's map to test: points along made-up drives, opened and closed without a trace."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fieldsurvey.gui.shapes import Shape
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import DAY, Look
from fieldsurvey.gui.workbench_map.map_data import ClassPalette, MapPoints
from fieldsurvey.gui.workbench_map.workbench_map import WorkbenchMap

LOOK = Look(DAY, Texts("en"))
# No two colours alike, and none like anything else on the map.
PALETTE = ClassPalette(
    ("unknown", "good", "poor", "none"),
    ("#b0b0ff", "#00ff00", "#ff00ff", "#ff0000"),
    (Shape.BAR, Shape.UP, Shape.DOWN, Shape.CROSS),
    frozenset({0}),
)
GOOD, POOR, NONE = 1, 2, 3


def points_at(*where: tuple[float, float], classes: list[int], tests: bool = False) -> MapPoints:
    """Return single points at given latitudes and longitudes."""
    return MapPoints(
        np.array([latitude for latitude, _ in where]),
        np.array([longitude for _, longitude in where]),
        np.array(classes, dtype=np.uint8),
        np.full(len(where), tests),
    )


def drives(count: int, classes: int = len(PALETTE), seed: int = 1) -> MapPoints:
    """Return ``count`` seconds of drives of 20,000 at 25 m/s that wind through Kazakhstan."""
    random = np.random.default_rng(seed)
    latitude, longitude = np.empty(count), np.empty(count)
    for start in range(0, count, 20_000):
        part = slice(start, min(count, start + 20_000))
        length = part.stop - part.start
        heading = np.cumsum(random.normal(0, 0.02, length)) + random.uniform(0, 2 * np.pi)
        latitude[part] = random.uniform(43, 54) + np.cumsum(np.cos(heading)) * 0.0002
        longitude[part] = random.uniform(52, 84) + np.cumsum(np.sin(heading)) * 0.0003
    kinds = random.integers(0, classes, count, dtype=np.uint8)
    return MapPoints(latitude, longitude, kinds, random.random(count, dtype=np.float32) < 0.03)


@contextmanager
def opened_map(qtbot: QtBot, width: int = 800, height: int = 600) -> Iterator[WorkbenchMap]:
    """Show a map of its own; at the end look whether it left anything behind."""
    widget = WorkbenchMap()
    widget.resize(width, height)
    widget.set_look(LOOK)
    widget.show()
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow, timeout=5_000)
    widget.setFocus()
    try:
        yield widget
    finally:
        widget.close_workers()
        widget.close()
        widget.deleteLater()
        del widget
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
        gc.collect()
        assert not QApplication.topLevelWidgets(), "windows left behind"


def settle(qtbot: QtBot, widget: WorkbenchMap) -> None:
    """Wait until the map shows all it was given."""

    def settled() -> bool:
        widget.repaint()
        picture = widget._picture
        tiles = picture.tiles
        return not (widget._maker.is_busy or picture.is_busy or (tiles and tiles.is_busy()))

    qtbot.waitUntil(settled, timeout=20_000)


def colours_of(image: QImage) -> set[str]:
    """Return every colour in a picture."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), dtype=np.uint32) & 0xFFFFFF
    return {f"#{pixel:06x}" for pixel in np.unique(pixels)}


def count_of(image: QImage, colour: str) -> int:
    """Return how many pixels are exactly of ``colour``."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), dtype=np.uint32) & 0xFFFFFF
    return int((pixels == (QColor(colour).rgb() & 0xFFFFFF)).sum())


def beside_the_legend(widget: WorkbenchMap) -> QImage:
    """Return the map's picture without the strip at the left, where the legend shows all signs."""
    image = widget.grab().toImage()
    left = round(240 * image.devicePixelRatio())
    return image.copy(left, 0, image.width() - left, image.height())
