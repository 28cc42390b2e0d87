"""The workbench's parts keep their shares of the window when its height changes and comes back."""

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from fieldsurvey.gui.workbench.panels import Panels

# The screenless platform says so of every window.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")


def panels_of(qtbot: QtBot, height: int) -> tuple[Panels, tuple[QLabel, QLabel, QLabel]]:
    parts = (QLabel("map"), QLabel("charts"), QLabel("tables"))
    panels = Panels(*parts)
    qtbot.addWidget(panels)
    panels.resize(1000, height)
    panels.show()
    QApplication.processEvents()
    return panels, parts


def test_a_notice_above_leaves_the_parts_side_by_side(qtbot: QtBot) -> None:
    panels, (map_widget, charts, tables) = panels_of(qtbot, 400)
    panels.resize(1000, 345)
    QApplication.processEvents()
    assert not panels.is_small
    assert map_widget.isVisible()
    assert charts.isVisible()
    assert tables.isVisible()


def test_parts_that_were_stacked_come_back_as_they_were(qtbot: QtBot) -> None:
    panels, parts = panels_of(qtbot, 500)
    before = [part.size() for part in parts]
    assert before[0].height() > before[2].height()
    panels.resize(1000, 300)
    QApplication.processEvents()
    assert panels.is_small
    assert sum(part.isVisible() for part in parts) == 1
    panels.resize(1000, 399)
    assert panels.is_small, "it does not flicker about one height"
    panels.resize(1000, 500)
    QApplication.processEvents()
    assert [part.size() for part in parts] == before
