"""The last result, readable at arm's length: number, word, shape and colour, with its age.

The number changes only when a new test is committed; a running test is told in the small line
beneath, because a reading in progress is not a result.
"""

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.gui.fitting import FittedLabel, fitted_size_px, screen_font
from fieldsurvey.gui.lines import (
    cause_line,
    confirmation_line,
    interval_line,
    link_line,
    off_line,
    running_line,
    title_line,
)
from fieldsurvey.gui.reading import Outlook, Reading, reading_of
from fieldsurvey.gui.shapes import OUTLOOK_SHAPES, draw_shape
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import Look, outlook_colours
from fieldsurvey.model.throughput import ThroughputTest

_US_PER_S = 1_000_000
_NUMBER_PX = 132
_BAND_PX = 56


class VerdictBand(QWidget):
    """The bar that says it three times: colour, shape and word."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: Look | None = None
        self._outlook: Outlook | None = None
        self._word = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_look(self, look: Look) -> None:
        self._look = look
        self.setFixedHeight(look.px(_BAND_PX))

    def show_result(self, outlook: Outlook | None, word: str) -> None:
        if (outlook, word) != (self._outlook, self._word):
            self._outlook, self._word = outlook, word
            self.setAccessibleName(word)
            self.update()

    def text(self) -> str:
        return self._word

    def _room(self) -> QRect:
        inset = self.height() if self._outlook is not None else self.height() // 4
        return self.rect().adjusted(inset, 2, -self.height() // 4, -2)

    def _fitted(self) -> tuple[int, bool]:
        scale = 1.0 if self._look is None else self._look.scale
        room = self._room()
        largest, smallest = max(1, round(30 * scale)), max(1, round(14 * scale))
        return fitted_size_px(
            self._word, room.width(), room.height(), largest, smallest, True, True
        )

    def fits(self) -> bool:
        return not self._word or self._fitted()[1]

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is None or not self._word:
            return
        theme = self._look.theme
        face, ink = theme.panel, theme.soft_ink
        if self._outlook is not None:
            face, ink = outlook_colours(theme, self._outlook)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(face))
        radius = self._look.px(8)
        painter.drawRoundedRect(self.rect(), radius, radius)
        if self._outlook is not None:
            middle = self.height() / 2
            shape = OUTLOOK_SHAPES[self._outlook]
            draw_shape(painter, shape, QPointF(middle, middle), middle * 0.55, QColor(ink))
        painter.setPen(QColor(ink))
        painter.setFont(screen_font(self._fitted()[0], bold=True))
        flags = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(self._room(), flags, self._word)
        painter.end()


class VerdictPanel(QFrame):
    """Shows ``snapshot.last_test``.

    Attributes:
        reading: what is shown at present, None before the first test.
    """

    def __init__(self, target_mbps: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._target_mbps = target_mbps
        self._look: Look | None = None
        self._test_id = ""
        self._first_mono_us: int | None = None
        self.reading: Reading | None = None
        right = Qt.AlignmentFlag.AlignRight
        self._title = FittedLabel(19)
        self._age = FittedLabel(24, bold=True, align=right, template="88 min ago")
        self.number = FittedLabel(_NUMBER_PX, bold=True, align=right, template="88.8")
        self._unit = FittedLabel(30, bold=True)
        self.cause = FittedLabel(38, bold=True, lines=3)
        self.band = VerdictBand()
        self._interval = FittedLabel(20)
        self._again = FittedLabel(18)
        self._running = FittedLabel(18, lines=2)
        self._off = FittedLabel(17, lines=3)
        self._link = FittedLabel(18)
        header = QHBoxLayout()
        header.addWidget(self._title, 3)
        header.addWidget(self._age, 2)
        figures = QHBoxLayout()
        figures.addWidget(self.number, 5)
        figures.addWidget(self._unit, 2)
        self._layout = QVBoxLayout(self)
        self._layout.addLayout(header)
        self._layout.addWidget(self._link)
        self._layout.addLayout(figures, 1)
        self._layout.addWidget(self.cause, 1)
        self._layout.addWidget(self.band)
        self._layout.addWidget(self._interval)
        self._layout.addWidget(self._again)
        self._layout.addWidget(self._running)
        self._layout.addWidget(self._off)
        expanding = QSizePolicy.Policy.Expanding
        for label in (self.number, self._unit, self.cause):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, expanding)

    def set_look(self, look: Look) -> None:
        self._look = look
        theme = look.theme
        for label in (self.number, self._unit, self.cause, self._age, self._link, self._again):
            label.set_look(look, theme.ink)
        for label in (self._title, self._interval, self._running, self._off):
            label.set_look(look, theme.soft_ink)
        self.band.set_look(look)
        edge = look.px(12)
        self._layout.setContentsMargins(edge, look.px(8), edge, look.px(8))
        self._layout.setSpacing(look.px(4))
        self.update()

    def show_snapshot(self, snapshot: DriveSnapshot) -> None:
        """Show the newest committed test of ``snapshot`` and the one that is running."""
        if self._look is None:
            return
        if self._first_mono_us is None:
            self._first_mono_us = snapshot.mono_us
        texts = self._look.texts
        test = snapshot.last_test
        self.reading = None if test is None else reading_of(test)
        self._show_figures(texts)
        word = self._word(texts)
        self.band.show_result(None if self.reading is None else self.reading.outlook, word)
        age = ""
        if test is not None:
            age = texts.tr("age", span=texts.span(self._age_s(snapshot, test)))
        self._title.show_text(title_line(texts, snapshot))
        self._age.show_text(age)
        _show_if_any(self._link, link_line(test))
        _show_if_any(self._again, confirmation_line(texts, test))
        off = off_line(texts, snapshot)
        _show_if_any(self._off, off)
        self._running.show_text(running_line(texts, snapshot))
        self._running.setVisible(not off)  # empty it keeps its room: the number must not jump
        self._announce(word, "" if test is None else test.test_id)

    def _show_figures(self, texts: Texts) -> None:
        reading = self.reading
        has_number = reading is not None and reading.mbps is not None
        self.number.setVisible(has_number)
        self._unit.setVisible(has_number)
        self.cause.setVisible(not has_number)
        if reading is not None and reading.mbps is not None:
            self.number.show_text(texts.rate(reading.mbps))
            self._unit.show_text(texts.tr("mbps"))
        else:
            self.number.show_text("")
        self.cause.show_text(cause_line(texts, reading) or texts.tr("no_result_yet"))
        self._interval.show_text(interval_line(texts, reading))

    def _word(self, texts: Texts) -> str:
        if self.reading is None:
            return ""
        target = self.reading.target_mbps or self._target_mbps
        return texts.tr(f"word_{self.reading.outlook.value}", target=texts.number(target))

    def _age_s(self, snapshot: DriveSnapshot, test: ThroughputTest) -> float:
        """A test seen by this run is dated by the clock that never jumps; one from an earlier run
        (a resumed drive) only has its UTC in common with us."""
        if self._first_mono_us is not None and test.ended_mono_us >= self._first_mono_us:
            age_us = snapshot.mono_us - test.ended_mono_us
            if age_us >= 0:
                return age_us / _US_PER_S
        return max(0.0, (snapshot.utc_us - test.ended_utc_us) / _US_PER_S)

    def _announce(self, word: str, test_id: str) -> None:
        """Tell a new result to a screen reader, and keep the panel's own name current."""
        number = self.number.text()
        unit = "" if self._look is None else self._look.texts.tr("mbps")
        spoken = f"{number} {unit}. {word}" if number else f"{self.cause.text()}. {word}"
        if again := self._again.text():
            spoken = f"{spoken}. {again}"
        if spoken != self.accessibleName():
            self.setAccessibleName(spoken)
        if test_id != self._test_id:
            self._test_id = test_id
            if test_id and QAccessible.isActive():
                QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, spoken))

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._look is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._look.theme.panel))
        painter.drawRoundedRect(self.rect(), self._look.px(10), self._look.px(10))
        painter.end()


def _show_if_any(label: FittedLabel, text: str) -> None:
    label.show_text(text)
    label.setVisible(bool(text))
