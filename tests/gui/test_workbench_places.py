"""Highways and villages by hand: imported from a map in the window, replaced, given up."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fieldsurvey.gui.workbench import desk
from fieldsurvey.gui.workbench.dialogs import Question
from fieldsurvey.gui.workbench.window import WorkbenchWindow
from fieldsurvey.model.messages import message
from fieldsurvey.places.places_file import open_places
from tests.support.places_inputs import geojson
from tests.support.workbench_data import HIGHWAY, VILLAGES, a_highway
from tests.support.workbench_files import write_places, write_surveys
from tests.support.workbench_window import a_workbench, choose_files, settle

# The screenless platform says so of every dialog and menu.
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")

CTRL = Qt.KeyboardModifier.ControlModifier
VILLAGE = next(iter(VILLAGES))


@pytest.fixture
def window(qapp: QApplication, tmp_path: Path) -> Iterator[WorkbenchWindow]:
    """A window over two surveys that knows no places yet."""
    window = a_workbench(tmp_path)
    window.resize(1024, 600)
    window.show()
    window.activateWindow()
    window.open(write_surveys(tmp_path, a_highway(60, 3, replayed=True)))
    settle(window, lambda: window.model.is_open and window.isActiveWindow())
    yield window
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


@pytest.fixture
def maps(tmp_path: Path) -> list[Path]:
    """Files to import: a highway, and its villages."""
    folder = tmp_path / "maps"
    folder.mkdir()
    write_places(folder)
    return [folder / "highways.geojson", folder / "villages.geojson"]


def activate(window: WorkbenchWindow) -> None:
    window.activateWindow()
    settle(window, window.isActiveWindow)


def find(window: WorkbenchWindow, name: str) -> list[str]:
    """Type a name where places are found; return the answers."""
    activate(window)
    QTest.keyClick(window, Qt.Key.Key_F, CTRL)
    QTest.keyClicks(window.finder.line, name)
    return [answer.text for answer in window.finder._answers]


def drop(window: WorkbenchWindow, path: Path) -> Question:
    """Drop a places file on the window; return what is asked."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    window.dropEvent(
        QDropEvent(
            QPointF(), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip
    (question,) = [one for one in window.findChildren(Question) if one.isVisible()]
    return question


def test_who_finds_no_village_is_led_to_the_import_of_a_map(
    window: WorkbenchWindow, maps: list[Path]
) -> None:
    (nothing,) = find(window, VILLAGE)
    assert nothing == "No places known yet: import them…"
    QTest.keyClick(window.finder.line, Qt.Key.Key_Return)
    choose_files(window, *maps)
    settle(window, lambda: window.model.measurements.places_version is not None)
    told = window.notice.label.text()
    assert "1 highways, 100 km; 3 settlements" in told
    assert "villages.geojson" in told
    assert "no evidence" in told, "what the survey is said to be is told beside it"
    assert window.model.measurements.sources, "the surveys are open as before"
    version = open_places(window.files.places_path).version
    assert window.model.measurements.places_version == version
    assert find(window, VILLAGE)[0].startswith(VILLAGE)
    QTest.keyClick(window.finder.line, Qt.Key.Key_Return)
    assert not window.finder.isVisible()


@pytest.mark.usefixtures("maps")
def test_what_is_known_is_replaced_by_who_says_so(window: WorkbenchWindow, tmp_path: Path) -> None:
    known = tmp_path / "known.places"
    (tmp_path / "maps" / "formula.places").rename(known)
    before = known.read_bytes()
    other = write_places(tmp_path)
    geojson(
        tmp_path / "maps" / "far.geojson", ({"ref": "KAZ99"}, "LineString", [[70, 50], [71, 50]])
    )
    question = drop(window, other)
    QTest.mouseClick(question.no, Qt.MouseButton.LeftButton)
    settle(window)
    assert known.read_bytes() == before
    activate(window)
    QTest.keyClick(window, Qt.Key.Key_I, CTRL | Qt.KeyboardModifier.ShiftModifier)
    choose_files(window, tmp_path / "maps" / "far.geojson")
    (question,) = [one for one in window.findChildren(Question) if one.isVisible()]
    QTest.mouseClick(question.yes, Qt.MouseButton.LeftButton)
    settle(window, lambda: known.read_bytes() != before)
    assert [line.ref for line in open_places(known).highway_lines()] == ["KAZ99"]
    question = drop(window, other)
    QTest.mouseClick(question.yes, Qt.MouseButton.LeftButton)
    settle(window, lambda: known.read_bytes() == other.read_bytes())
    settle(window)
    assert [line.ref for line in open_places(known).highway_lines()] == [HIGHWAY]


@pytest.mark.usefixtures("maps")
def test_an_import_given_up_leaves_what_is_known(window: WorkbenchWindow, tmp_path: Path) -> None:
    known = tmp_path / "known.places"
    (tmp_path / "maps" / "formula.places").rename(known)
    before = known.read_bytes()
    many = (
        ({"place": "village", "name": f"v{n}"}, "Point", [70, 45 + n / 1e4]) for n in range(50_000)
    )
    window.files._import_places([geojson(tmp_path / "many.geojson", *many)])
    assert window.status.cancel.isVisible()
    QTest.mouseClick(window.status.cancel, Qt.MouseButton.LeftButton)
    settle(window)
    assert "cancelled" in window.notice.label.text()
    assert known.read_bytes() == before


class Slowly:
    """Opens files, the first time no sooner than others are asked for."""

    def __init__(self) -> None:
        self._open = desk.open_paths
        self.began = 0

    def __call__(self, *asked: object) -> desk.Opened:
        self.began += 1
        cancelled: Callable[[], bool] = asked[-1]  # type: ignore[assignment]
        ends_s = time.monotonic() + 5
        while self.began == 1 and not cancelled() and time.monotonic() < ends_s:
            time.sleep(0.01)
        return self._open(*asked)  # type: ignore[arg-type]


@pytest.mark.usefixtures("maps")
def test_what_is_opened_while_places_are_read_lies_in_them(
    window: WorkbenchWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "maps" / "formula.places").rename(tmp_path / "known.places")
    first, other = window.files.paths
    window.read_places(lambda: window.open_first([first]))
    window.open([other])
    settle(window, lambda: window.model.measurements.places_version is not None)
    assert window.files.paths == (other,)
    monkeypatch.setattr(desk, "open_paths", Slowly())
    window._places_imported(message("gui.wb_printed", path="imported"))
    window.open([first])
    settle(window)
    assert window.files.paths == (first,), "not what was open before"
    assert "imported" in window.notice.label.text()
