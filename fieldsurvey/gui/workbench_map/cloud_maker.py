"""Makes the cloud of points in a thread of its own, so that the window never waits for it.

Only the newest wish counts: while one is worked at, those that come are gathered into the next. The
cloud shown stays until the new one is ready. Must be closed: it owns a thread.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from fieldsurvey.gui.workbench_map.map_data import ClassPalette, MapPoints
from fieldsurvey.gui.workbench_map.point_layer import Cloud
from fieldsurvey.gui.workbench_map.point_pyramid import build_pyramid, rank_points


@dataclass(frozen=True, eq=False)
class _Wish:
    """``points`` are None once they are in the pyramid: positions are not kept twice."""

    points: MapPoints | None
    classes: NDArray[np.uint8]
    palette: ClassPalette | None
    is_test: NDArray[np.bool_]
    selected: NDArray[np.bool_] | None = None


class CloudMaker(QObject):
    """Attributes:
    cloud: what is to be drawn at present, None until the first is ready.
    level_in_view: which cells are made first, as they are looked at.
    """

    changed = Signal()
    _finished = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.cloud: Cloud | None = None
        self.level_in_view = 1
        self._worker: ThreadPoolExecutor | None = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="map-points"
        )
        self._wish: _Wish | None = None
        self._is_new = False
        self._working = False
        # From the worker's thread to the window's: a signal is the one thing that may cross.
        self._finished.connect(self._take)

    @property
    def has_other_points(self) -> bool:
        """Return whether the points to be shown are not those of ``cloud``."""
        return self._wish is not None and self._wish.points is not None

    @property
    def is_busy(self) -> bool:
        return self._working or self._is_new

    def set_points(self, points: MapPoints, palette: ClassPalette | None) -> None:
        """Show these instead; what was selected is forgotten. Without a palette that has all their
        classes they wait for ``set_classes``."""
        fits = palette is not None and _fit(points.classes, palette)
        self._want(_Wish(points, points.classes, palette if fits else None, points.is_test))

    def set_classes(self, classes: NDArray[np.uint8], palette: ClassPalette) -> None:
        wish = self._wanted(len(classes))
        if not _fit(classes, palette):
            raise ValueError(f"class {classes.max()} of {len(palette)}")
        self._want(replace(wish, classes=classes, palette=palette))

    def set_selection(self, selected: NDArray[np.bool_] | None) -> None:
        if self._wish is None and selected is None:
            return
        wish = self._wanted(None if selected is None else len(selected))
        self._want(replace(wish, selected=selected))

    def later(self, job: Callable[[Cloud], Any], done: Callable[[Any], None]) -> None:
        """Run ``job`` on the cloud in the worker, and ``done`` with its result here; nothing where
        other points are on their way by then, whose numbers would be taken for those of the old."""
        if self._worker is None or self.cloud is None or self.has_other_points:
            return
        cloud = self.cloud

        def take(result: Any) -> None:
            now = self.cloud
            if now is not None and now.pyramid is cloud.pyramid and not self.has_other_points:
                done(result)

        self._hand_over(lambda: job(cloud), take)

    def close(self) -> None:
        """Wait for what is being made, and end the thread."""
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.shutdown(wait=True, cancel_futures=True)

    def _wanted(self, length: int | None) -> _Wish:
        if self._wish is None or length not in (None, len(self._wish.classes)):
            shown = 0 if self._wish is None else len(self._wish.classes)
            raise ValueError(f"{length} values for {shown} points")
        return self._wish

    def _want(self, wish: _Wish) -> None:
        self._wish, self._is_new = wish, True
        self._begin()

    def _begin(self) -> None:
        if self._working or not self._is_new or self._worker is None or self._wish is None:
            return
        self._working, self._is_new = True, False
        wish = self._wish
        pyramid = None if self.cloud is None else self.cloud.pyramid

        def make() -> Cloud:
            made = pyramid
            if wish.points is not None:
                made = build_pyramid(wish.points.latitude_deg, wish.points.longitude_deg)
            assert made is not None
            ranks = rank_points(made, wish.classes, wish.selected)
            cloud = Cloud(made, ranks, wish.is_test, wish.palette, wish.selected is not None)
            cloud.ranks_of_cells(made.index_for(self.level_in_view))
            return cloud

        def take(cloud: Cloud) -> None:
            self._working = False
            self.cloud = cloud
            if self._wish is not None and self._wish.points is wish.points:
                self._wish = replace(self._wish, points=None)
            self._begin()
            self.changed.emit()
            self.later(self._prepare_other_levels, lambda _: None)

        self._hand_over(make, take)

    def _prepare_other_levels(self, cloud: Cloud) -> None:
        """Work out what zooming will ask for, unless something newer waits."""
        for at in range(len(cloud.pyramid.cells)):
            if not self._working and not self._is_new:
                cloud.ranks_of_cells(at)

    def _hand_over(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        assert self._worker is not None
        future = self._worker.submit(job)
        future.add_done_callback(lambda finished: self._finished.emit((finished, done)))

    def _take(self, finished: tuple[Future[Any], Callable[[Any], None]]) -> None:
        future, done = finished
        if self._worker is not None and not future.cancelled():
            done(future.result())


def _fit(classes: NDArray[np.uint8], palette: ClassPalette) -> bool:
    return int(classes.max(initial=0)) < len(palette)
