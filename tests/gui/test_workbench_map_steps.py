"""What the map makes between frames: a few milliseconds at a time, and names that are never cut."""

import time
from collections.abc import Generator
from dataclasses import replace

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.theme import NIGHT
from fieldsurvey.gui.workbench_map.in_steps import MARGIN_PX, InSteps, Wanted
from tests.support.gui_features import few_features
from tests.support.gui_map import LOOK, count_of, opened_map, settle

_VIEW = MapView()


def _slowly(wanted: Wanted) -> Generator[None, None, MapView]:
    for _ in range(12):
        time.sleep(0.001)
        yield
    return wanted.view


def _finish(steps: InSteps[MapView]) -> int:
    """Go on to the end; return how many steps it took."""
    taken = 0
    while steps.is_busy:
        steps.step()
        taken += 1
    return taken


def test_what_takes_long_is_made_bit_by_bit_and_the_old_serves_meanwhile() -> None:
    steps = InSteps(_slowly)
    assert steps.want(_VIEW, LOOK, 1.0) is None
    steps.step()
    assert steps.is_busy, "12 ms in one go"
    assert _finish(steps) >= 2
    first = steps.want(_VIEW, LOOK, 1.0)
    assert first is not None
    assert not steps.is_busy
    steps.changed()
    assert steps.want(_VIEW, LOOK, 1.0) is first
    assert steps.is_busy
    _finish(steps)
    assert steps.want(_VIEW, LOOK, 1.0) is not first
    assert steps.want(_VIEW, replace(LOOK, theme=NIGHT), 1.0) is None, "day's picture by night"


def test_a_margin_serves_while_panning_but_not_while_zooming() -> None:
    steps = InSteps(_slowly)
    steps.want(_VIEW, LOOK, 1.0)
    _finish(steps)
    for view, serves in (
        (_VIEW.panned(MARGIN_PX / 2 - 1, 0), True),
        (_VIEW.panned(0, MARGIN_PX / 2 + 1), False),
        (_VIEW.zoomed(0.1), False),
    ):
        steps.want(view, LOOK, 1.0)
        assert steps.is_busy is not serves
        steps.stop()
        assert not steps.is_busy


def test_a_name_is_whole_or_left_out_and_comes_back(qtbot: QtBot) -> None:
    with opened_map(qtbot) as widget:
        features = few_features()
        widget.set_features(features)
        start = replace(
            widget.view,
            x=float(features.settlement_x[0]), y=float(features.settlement_y[0]), zoom=12.0,
        )  # fmt: skip
        widget._show(start)
        settle(qtbot, widget)
        with_name = count_of(widget.grab().toImage(), LOOK.theme.settlement)
        counts = []
        for right in (0, *range(340, 404, 4)):
            widget._show(start.panned(right, 0))
            counts.append(count_of(widget.grab().toImage(), LOOK.theme.settlement))
            qtbot.keyClick(widget, Qt.Key.Key_Shift)  # the event loop goes on
        widget._show(start)
        settle(qtbot, widget)
    assert counts[0] == with_name
    assert counts[-1] < with_name / 4, "the name has left the map"
    assert len(set(counts)) <= 3, f"parts of a name: {counts}"
