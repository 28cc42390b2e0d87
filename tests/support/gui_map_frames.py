"""Times the supervisor's map in a process of its own and prints what it found as JSON.

Frames are ``repaint()`` with all layers. With ``--datashader`` the same frames are painted once
more with the points aggregated by datashader, everything else being the same.

On a computer that others use too, the clock tells how busy they are; the processor time of
this process, Qt's own helpers included, tells what a frame costs. Both are given.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from fieldsurvey.gui.map_features import features_of
from fieldsurvey.gui.map_view import MapView, degrees_of, project
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench_map.brushing import Brush, points_inside
from fieldsurvey.gui.workbench_map.map_data import MapPoints, MapStretch
from fieldsurvey.gui.workbench_map.rank_picture import _colours
from fieldsurvey.gui.workbench_map.throughput_classes import throughput_palette
from fieldsurvey.gui.workbench_map.workbench_map import WorkbenchMap
from fieldsurvey.model.verdict import Verdict
from tests.support.gui_features import FewPlaces, RealPlaces
from tests.support.gui_map import LOOK, drives
from tests.support.peak_memory import peak_mb

SIZE = (1200, 800)
_STEPS = 40

PaintPoints = Callable[[QPainter, MapView, Look], None]


def _walks(view: MapView) -> Iterator[tuple[str, list[MapView]]]:
    """Return what a user does: pan over everything, zoom in and out, pan when near."""
    at = (500.0, 300.0)
    yield "pan_all", [view.panned(6 * n, 3 * n) for n in range(_STEPS)]
    yield "zoom_in", [view.zoomed(n * 0.22, at) for n in range(_STEPS)]
    yield "zoom_out", [view.zoomed((_STEPS - n) * 0.22, at) for n in range(_STEPS)]
    for nearer in (2, 4, 6):
        near = view.zoomed(nearer, at)
        yield f"pan_{nearer}_nearer", [near.panned(6 * n, 3 * n) for n in range(_STEPS)]


class Frames:
    """Milliseconds of frames, and of what is done between them, by clock and by processor."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self.between: list[float] = []

    def paint(self, widget: WorkbenchMap, view: MapView) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        widget._show(view)
        widget.repaint()
        self.wall.append((time.perf_counter() - wall) * 1e3)
        self.cpu.append((time.process_time() - cpu) * 1e3)
        cpu = time.process_time()
        QApplication.processEvents()
        self.between.append((time.process_time() - cpu) * 1e3)

    def summary(self) -> dict[str, float]:
        return {
            "median_ms": round(float(np.median(self.wall)), 2),
            "p95_ms": round(float(np.percentile(self.wall, 95)), 2),
            "median_cpu_ms": round(float(np.median(self.cpu)), 2),
            "p95_cpu_ms": round(float(np.percentile(self.cpu, 95)), 2),
            "between_max_cpu_ms": round(max(self.between), 2),
        }


def settle(widget: WorkbenchMap) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        widget.repaint()
        QApplication.processEvents()
        tiles = widget._picture.tiles
        busy = widget._maker.is_busy or widget._picture.is_busy
        if not busy and not (tiles is not None and tiles.is_busy()) and _is_prepared(widget):
            return
        time.sleep(0.005)
    raise TimeoutError("the map does not settle")


def _is_prepared(widget: WorkbenchMap) -> bool:
    """Return whether the worker has made all that zooming will ask for. It takes a second after
    points or a selection are given, on a processor of its own: no part of what a frame costs."""
    cloud = widget._picture.cloud
    return cloud is None or len(cloud._of_cells) == len(cloud.pyramid.cells)


def walk(
    widget: WorkbenchMap, start: MapView, painters: dict[str, PaintPoints]
) -> dict[str, dict[str, dict[str, float]]]:
    """Walk over the map with each of ``painters`` by turns, part by part, so that what others do
    on the computer meets all alike; return their frames in each part and in all together."""
    result: dict[str, dict[str, dict[str, float]]] = {who: {} for who in painters}
    together = {who: Frames() for who in painters}
    for name, views in _walks(start):
        for who, paint_points in painters.items():
            widget._picture._paint_points = paint_points  # type: ignore[method-assign]
            widget._show(views[0])
            settle(widget)
            frames = Frames()
            for view in views:
                frames.paint(widget, view)
            result[who][name] = frames.summary()
            together[who].wall += frames.wall
            together[who].cpu += frames.cpu
            together[who].between += frames.between
    for who, frames in together.items():
        result[who]["all"] = frames.summary()
    return result


def brush(widget: WorkbenchMap, count: int, times: int) -> dict[str, float]:
    """Time from a selection given to its painting, and of finding what is in a rectangle."""
    random = np.random.default_rng(0)
    selected = random.random(count, dtype=np.float32) < 0.3
    took_ms = []
    for number in range(times):
        before = time.perf_counter()
        widget.set_selection(selected if number % 2 == 0 else None)
        while widget._maker.is_busy:
            QApplication.processEvents()
            time.sleep(0.0002)
        widget.repaint()
        took_ms.append((time.perf_counter() - before) * 1e3)
    rectangle = Brush(((100.0, 100.0), (900.0, 700.0)), is_lasso=False)
    cloud = widget._picture.cloud
    assert cloud is not None
    before = time.perf_counter()
    inside = points_inside(cloud.pyramid, rectangle, widget.view)
    return {
        "best_ms": round(min(took_ms), 1),
        "median_ms": round(float(np.median(took_ms)), 1),
        "inside_ms": round((time.perf_counter() - before) * 1e3, 1),
        "inside": int(inside.sum()),
    }


def by_datashader(points: MapPoints) -> PaintPoints:
    """Return what paints the points aggregated by datashader: the worst per pixel."""
    import datashader
    import pandas

    x, y = project(points.latitude_deg, points.longitude_deg)
    ranks = points.classes + np.uint8(65)
    frame = pandas.DataFrame({"x": x.astype(np.float32), "y": y.astype(np.float32), "rank": ranks})
    palette = throughput_palette(LOOK.texts, LOOK.theme)
    colours = np.array(_colours(palette, "#00000000"), dtype=np.uint32)

    def paint_points(painter: QPainter, view: MapView, _look: Look) -> None:
        left, top, right, bottom = view.bounds()
        canvas = datashader.Canvas(view.width, view.height, (left, right), (top, bottom))
        worst = canvas.points(frame, "x", "y", datashader.max("rank")).data
        pixels = colours.take(np.nan_to_num(worst).astype(np.uint8))
        image = QImage(
            pixels.data, view.width, view.height, view.width * 4,
            QImage.Format.Format_ARGB32_Premultiplied,
        )  # fmt: skip
        painter.drawImage(QPointF(0, 0), image)

    return paint_points


def _stretches(places: RealPlaces | FewPlaces) -> list[MapStretch]:
    """Return pieces of the first highways, judged one way or another."""
    verdicts = list(Verdict)
    return [
        MapStretch(
            line.latitude_deg[at : at + 4], line.longitude_deg[at : at + 4],
            verdicts[at // 3 % 3], f"{line.ref} {at}", at,
        )
        for line in places.highway_lines()[:20]
        for at in range(0, len(line.latitude_deg) - 1, 3)
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--data", type=Path, help="the folder of real data")
    parser.add_argument("--datashader", action="store_true")
    arguments = parser.parse_args()
    application = QApplication(["map"])
    application.setStyle("Fusion")
    places = FewPlaces() if arguments.data is None else RealPlaces(arguments.data / "geography")
    widget = WorkbenchMap()
    widget.resize(*SIZE)
    widget.set_look(LOOK)
    widget.set_features(features_of(places))
    widget.set_stretches(_stretches(places))
    if arguments.data is not None:
        widget.set_basemap(arguments.data / "tiles" / "kz_osm_raster.mbtiles")
    widget.show()
    settle(widget)
    points = drives(arguments.count, classes=7)
    before = time.perf_counter()
    widget.set_points(points)
    call_ms = (time.perf_counter() - before) * 1e3
    widget.set_point_classes(points.classes, throughput_palette(LOOK.texts, LOOK.theme))
    widget.show_all()
    while_sorting = _lateness_while(lambda: widget._maker.is_busy)
    report: dict[str, object] = {
        "count": arguments.count,
        "set_points_call_ms": round(call_ms, 2),
        "ready_s": round(time.perf_counter() - before, 2),
        "while_sorting": while_sorting,
    }
    settle(widget)
    start = widget.view
    widget.set_start(degrees_of(start.x, start.y))
    report["brush"] = brush(widget, arguments.count, 8)
    painters: dict[str, PaintPoints] = {"ours": widget._picture._paint_points}
    if arguments.datashader:
        painters["datashader"] = by_datashader(points)
        nowhere = QImage(8, 8, QImage.Format.Format_RGB32)
        painter = QPainter(nowhere)
        painters["datashader"](painter, start, LOOK)  # numba compiles
        painter.end()
    report |= walk(widget, start, painters)
    if not arguments.datashader:
        report["peak_mb"] = round(peak_mb())
    widget.close_workers()
    json.dump(report, sys.stdout)


# Sleeps a millisecond, again and again until its input ends; prints by how much it woke too late.
_PEER = """
import select, sys, time
latest = 0.0
while True:
    before = time.perf_counter()
    if select.select([sys.stdin], [], [], 0.001)[0]:
        break
    latest = max(latest, time.perf_counter() - before - 0.001)
print(latest * 1e3)
"""


def _lateness_while(is_busy: Callable[[], bool]) -> dict[str, float]:
    """Return, in milliseconds, by how much the event loop was late at worst, the most processor
    time one turn of it took, and how late a process of its own was, which had nothing to do."""
    latest = longest = 0.0
    with subprocess.Popen(
        [sys.executable, "-c", _PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peer:
        while is_busy():
            before, cpu = time.perf_counter(), time.thread_time()
            QApplication.processEvents()
            longest = max(longest, time.thread_time() - cpu)
            time.sleep(0.001)
            latest = max(latest, time.perf_counter() - before - 0.001)
        peer_ms, _ = peer.communicate()
    return {
        "late_ms": round(latest * 1e3, 1),
        "turn_cpu_ms": round(longest * 1e3, 1),
        "peer_late_ms": round(float(peer_ms), 1),
    }


if __name__ == "__main__":
    main()
