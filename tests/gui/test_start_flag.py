"""The flag where the car starts: whole wherever it stands, the same on paper, cheap in a frame."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from fieldsurvey.gui.map_view import MapView
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import DAY, NIGHT, Look
from fieldsurvey.gui.workbench_map.start_flag import StartFlag
from fieldsurvey.model.messages import LANGUAGES
from tests.support.gui_map import count_of

VIEW = MapView(width=400, height=300)
NEITHER = "#808080"  # of what is beneath


def picture_of(
    flag: StartFlag, look: Look, view: MapView = VIEW, *, on_paper: bool = False
) -> QImage:
    image = QImage(QSize(view.width, view.height), QImage.Format.Format_RGB32)
    image.fill(QColor(NEITHER))
    painter = QPainter(image)
    (flag.paint_all if on_paper else flag.paint)(painter, view, look)
    painter.end()
    return image


def flag_at(x: float, y: float) -> StartFlag:
    flag = StartFlag()
    flag.at = (
        VIEW.x + (x - VIEW.width / 2) / VIEW.scale,
        VIEW.y + (y - VIEW.height / 2) / VIEW.scale,
    )
    return flag


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("theme", [DAY, NIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_stands_on_its_spot_and_is_nowhere_cut(theme: object, language: str) -> None:
    look = Look(theme, Texts(language))
    covered = picture_of(flag_at(200, 150), look)
    whole = covered.width() * covered.height() - count_of(covered, NEITHER)
    for x, y in ((200, 150), (390, 150), (390, 12), (10, 12), (10, 290), (390, 290)):
        for on_paper in (False, True):
            image = picture_of(flag_at(x, y), look, on_paper=on_paper)
            assert image.pixelColor(x, y).name() == look.theme.ink
            drawn = image.width() * image.height() - count_of(image, NEITHER)
            assert drawn == pytest.approx(whole, rel=0.02), (x, y)


def test_it_says_the_word_of_the_language(qapp: QApplication) -> None:
    flag = flag_at(200, 150)
    pictures = [picture_of(flag, Look(DAY, Texts(language))) for language in LANGUAGES]
    assert all(pictures[n] != pictures[n - 1] for n in range(len(LANGUAGES)))


def test_where_it_is_not_nothing_is_drawn(qapp: QApplication) -> None:
    look = Look(DAY, Texts("en"))
    for flag in (StartFlag(), flag_at(-1, 150), flag_at(200, 301)):
        image = picture_of(flag, look)
        assert count_of(image, NEITHER) == image.width() * image.height()


def test_a_frame_draws_a_picture_that_is_there(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, flag = Look(DAY, Texts("en")), flag_at(200, 150)
    before = picture_of(flag, look)
    monkeypatch.setattr(QPainter, "drawText", None)
    assert picture_of(flag, look) == before
    assert picture_of(flag, look, VIEW.panned(30, 10)) != before
