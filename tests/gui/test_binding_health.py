"""A canary for the Qt binding: some versions drop a reference to None with every call."""

import sys

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot


def test_calls_into_qt_do_not_eat_references(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    before = sys.getrefcount(None)
    for _ in range(1_000):
        widget.update()
    drift = sys.getrefcount(None) - before
    assert abs(drift) < 100, (
        f"1,000 calls changed the reference count of None by {drift}: this PySide6 will abort "
        "the process within minutes; see the pin in pyproject.toml"
    )
