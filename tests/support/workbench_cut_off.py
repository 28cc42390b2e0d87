"""Walks every view of the workbench in one language and size; tells what is cut off or unnamed.

Run in a process of its own, because Qt reads ``QT_SCALE_FACTOR`` once:
``python -m tests.support.workbench_cut_off FOLDER 1024x600 512x300`` prints JSON and keeps pictures
in FOLDER.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QRect, qInstallMessageHandler
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QDateTimeEdit,
    QDoubleSpinBox,
    QGraphicsView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QTabWidget,
    QWidget,
)

from fieldsurvey.gui.fitting import BigButton, FittedLabel
from fieldsurvey.gui.workbench.actions import Do
from fieldsurvey.gui.workbench.chart import Chart, Legend
from fieldsurvey.gui.workbench.dialogs import Question
from fieldsurvey.gui.workbench.filters import Filters, RoadRange
from fieldsurvey.gui.workbench.route_start import RouteStart
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from fieldsurvey.gui.workbench_map.workbench_map import WorkbenchMap
from fieldsurvey.model.messages import LANGUAGES
from tests.support.workbench_data import HIGHWAY, a_highway, at_fixed_points
from tests.support.workbench_files import write_places
from tests.support.workbench_window import a_workbench, settle, show_measurements

_NAMED = (
    QAbstractButton, QGraphicsView, QAbstractItemView, QComboBox, QLineEdit, QTabWidget,
    QDateTimeEdit, QDoubleSpinBox, QProgressBar, Chart, WorkbenchMap,
)  # fmt: skip
_INNER = (
    "qt_spinbox_lineedit",
    "ScrollLeftButton",
    "ScrollRightButton",
    "qt_calendar_calendarview",
)


def _short(widget: QWidget) -> bool:
    """Return whether a widget is smaller than its words need."""
    if isinstance(widget, FittedLabel | BigButton):
        return not widget.fits()
    if isinstance(widget, QLabel):
        if widget.wordWrap():
            return widget.heightForWidth(widget.width()) > widget.height() + 1
        return widget.sizeHint().width() > widget.width() + 1
    if isinstance(widget, QTabBar):
        texts = [widget.tabText(number) for number in range(widget.count())]
        wide = [
            widget.fontMetrics().horizontalAdvance(text) > widget.tabRect(number).width()
            for number, text in enumerate(texts)
        ]
        return any(wide)
    if isinstance(widget, QAbstractButton) and widget.text():
        return widget.sizeHint().width() > widget.width() + 1
    if isinstance(widget, QComboBox) and not widget.isEditable():
        return _lacks_room(widget, widget.currentText(), _room_of(widget))
    if isinstance(widget, QLineEdit) and not widget.text():
        return _lacks_room(widget, widget.placeholderText(), widget.contentsRect().width() - 8)
    if isinstance(widget, Legend):
        return widget.heightForWidth(widget.width()) > widget.height() + 1
    return False


def _lacks_room(widget: QWidget, text: str, width: int) -> bool:
    return widget.fontMetrics().horizontalAdvance(text) > width


def _room_of(box: QComboBox) -> int:
    """Return how wide the words of a box may be."""
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    field = QStyle.SubControl.SC_ComboBoxEditField
    room = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, box)
    return room.width()


def faults(window: QWidget) -> list[str]:
    """Return a line for all that is cut off, outside, or without a name for a screen reader."""
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.objectName() in _INNER:
            continue
        if widget.window() is not window:
            continue
        name = (
            f"{type(widget).__name__} {widget.accessibleName() or getattr(widget, 'text', str)()!r}"
        )
        if any(isinstance(parent, QAbstractScrollArea) for parent in _parents(widget)):
            continue  # may lie outside: one can scroll there
        if _short(widget):
            found.append(f"cut off: {name} {widget.size()} needs {widget.sizeHint()}")
        if isinstance(widget, (*_NAMED, QLabel, Legend)):
            placed = QRect(widget.mapTo(window, widget.rect().topLeft()), widget.size())
            if not window.rect().contains(placed):
                found.append(f"outside: {name} {placed}")
        if isinstance(widget, _NAMED) and not widget.accessibleName():
            found.append(f"unnamed: {name} {widget.objectName()}")
    return found


def _parents(widget: QWidget) -> list[QWidget]:
    parents, parent = [], widget.parentWidget()
    while parent is not None:
        parents.append(parent)
        parent = parent.parentWidget()
    return parents


def _views(window: WorkbenchWindow) -> Iterator[tuple[str, QWidget]]:
    """Bring one view after the other to the screen; yield its name and the window to look at."""
    yield "empty", window
    if window.width() >= 1024:
        show_measurements(window, at_fixed_points())
        window.do(Do.CHART_EVENT)
        yield "event", window
    show_measurements(window, a_highway(1_500, 50))
    window.do(Do.AXIS)
    window.model.set_filters(
        Filters(
            {"operator": ("Kcell", "Beeline"), "result": ("above", "below", "no_service")},
            road=RoadRange(HIGHWAY, 0, 50_000),
        )
    )
    for number in range(len(window.charts.all)):
        window.panels.show_part(window.charts)
        window.charts.tabs.setCurrentIndex(number)
        yield f"chart-{number}", window
    window.charts.tabs.setCurrentWidget(window.charts.pairs)
    for number in range(1, window.charts.pairs.field.count()):
        window.charts.pairs.field.setCurrentIndex(number)
        yield f"compared-{number}", window
    window.tables.plan.take_start(RouteStart("Қаскелең (Qaskeleng, Каскелен)", 43.2, 76.6))
    window.tables.plan.most.setValue(10_000)
    for number in range(window.tables.tabs.count()):
        window.panels.show_part(window.tables)
        window.tables.tabs.setCurrentIndex(number)
        yield f"table-{number}", window
    window.panels.show_part(window.map)
    window.tables.go_to_stretch(window.tables.stretches.rows.rowCount() - 1)  # one that is open
    yield "stretch", window
    window.do(Do.NIGHT)
    yield "night", window


_ASKED_IN_WINDOW = (Do.FIND, Do.PALETTE)
_DIALOGS = (
    Do.EXPORT, Do.SAVE_PLAN, Do.HELP, Do.EXCLUDE, Do.NOTE, Do.RETAG, Do.SAVE_VIEW,
    *_ASKED_IN_WINDOW,
)  # fmt: skip


def _ways_to_ask(window: WorkbenchWindow) -> Iterator[tuple[str, Callable[[], None]]]:
    texts = window._look.texts
    # What is asked once a file is chosen.
    yield "import", partial(window.files.take_dropped, [Path("log.txt")], texts)
    yield "time", partial(window.filtering.ask_time, texts)
    yield "road", partial(window.filtering.ask_road, texts)
    for do in _DIALOGS:
        yield do.value, partial(window.do, do)


def _dialogs(window: WorkbenchWindow) -> Iterator[tuple[str, QWidget]]:
    """The same of what opens above the window."""
    for name, ask in _ways_to_ask(window):
        ask()
        settle(window)
        open_ones = [dialog for dialog in window.findChildren(Question) if dialog.isVisible()]
        assert open_ones or name in _ASKED_IN_WINDOW, f"{name}: nothing was asked"
        yield name, open_ones[0] if open_ones else window
        for dialog in open_ones:
            dialog.reject()
        window.finder.leave()
        QApplication.processEvents()


def main() -> None:
    application = QApplication(["cut off"])
    application.setStyle("Fusion")
    pictures = Path(sys.argv[1])
    found: list[str] = []
    complaints: set[str] = set()
    qInstallMessageHandler(lambda _kind, _context, text: complaints.add(text))
    looked_at = 0
    scale = os.environ.get("QT_SCALE_FACTOR", "1")

    def look(size: str, language: str, name: str, shown: QWidget, *, keep: bool) -> None:
        nonlocal looked_at, found
        looked_at += 1
        settle(window)
        application.processEvents()
        found += [f"{size} {language} {name}: {what}" for what in faults(shown)]
        if keep:
            shown.grab().save(str(pictures / f"{name}-{size}-at-{scale}-{language}.png"))

    for size in sys.argv[2:]:
        width, height = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            places_path = write_places(Path(folder))
            window = a_workbench(Path(folder), LANGUAGES[0], places_path=places_path)
            window.resize(width, height)
            window.show()
            window.read_places()
            settle(window)
            # In each view all languages; of a different one each time a picture is kept.
            for number, (name, shown) in enumerate(_views(window)):
                for language in LANGUAGES:
                    keep = language == LANGUAGES[number % len(LANGUAGES)]
                    look(size, language, name, shown, keep=keep)
                    window.do(Do.LANGUAGE)
            for number, language in enumerate(LANGUAGES):
                for name, shown in _dialogs(window):
                    look(size, language, name, shown, keep=number == 1)
                window.do(Do.LANGUAGE)
            window.close()
            window.deleteLater()
            application.processEvents()
    unexpected = [text for text in complaints if "This plugin does not support" not in text]
    report = {"found": found, "looked_at": looked_at, "complaints": unexpected}
    print(json.dumps(report, ensure_ascii=False))  # noqa: T201


if __name__ == "__main__":
    main()
