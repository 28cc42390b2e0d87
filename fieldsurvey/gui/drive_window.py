"""The drive window: looks at a drive five times a second and passes on what the surveyor asks.

It pulls. Whatever happens in the drive between two looks is seen in the next one, so that no flood
of events can block the window, and the drive does not know that a window exists. Must not wait for
anything: the one call that takes time, closing the drive, runs in a thread of its own.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QKeyEvent,
    QKeySequence,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from fieldsurvey.drive.control_protocol import DriveControlProtocol
from fieldsurvey.drive.snapshot import DriveSnapshot, Health
from fieldsurvey.gui.actions import ACTIONS, Do
from fieldsurvey.gui.closing import BackgroundClose
from fieldsurvey.gui.drive_feed import DriveFeed
from fieldsurvey.gui.drive_map import DriveMap
from fieldsurvey.gui.fitting import FittedLabel
from fieldsurvey.gui.foot_buttons import FootButtons
from fieldsurvey.gui.later import Later
from fieldsurvey.gui.left_column import LeftColumn
from fieldsurvey.gui.looks import BASE_HEIGHT, BASE_WIDTH, LookKeeper
from fieldsurvey.gui.map_features import MapFeatures
from fieldsurvey.gui.notices import NoticeLine
from fieldsurvey.gui.question import NO_KEYS, YES_KEYS
from fieldsurvey.gui.sheet import Sheet, history_rows, key_rows
from fieldsurvey.gui.status_strip import StatusStrip
from fieldsurvey.gui.texts import QtTexts
from fieldsurvey.gui.theme import Look, qt_palette
from fieldsurvey.gui.throughput_strip import ThroughputStrip
from fieldsurvey.gui.trail import Trail
from fieldsurvey.gui.trail_layer import stretch_of
from fieldsurvey.model.drive import DriveState
from fieldsurvey.model.messages import message

POLL_MS = 200
MOVING_ABOVE_MPS = 8 / 3.6
_OLD_FIX_US = 60_000_000
_BANNER_PX = 30


class DriveWindow(QMainWindow):
    """One drive on one screen.

    Attributes:
        snapshot: what is shown at present.
        closed: the drive is closed and everything is released.
        on_first_paint: called once, when the window has been painted.
    """

    def __init__(
        self,
        control: DriveControlProtocol,
        *,
        features: MapFeatures | None = None,
        basemap: Path | None = None,
        language: str | None = None,
        target_mbps: float = 100.0,
    ) -> None:
        super().__init__()
        self._control = control
        self._feed = DriveFeed(control)
        self.snapshot: DriveSnapshot = control.snapshot()
        self._looks = LookKeeper(language)
        self._qt_texts = QtTexts()
        self._resume_answered = self._quit_asked = False
        self._closing = BackgroundClose(control.close)
        self._painted = False
        self.closed = False
        self._features: Later[MapFeatures] | None = None
        self.on_first_paint: Callable[[], None] | None = None
        self._build(features, basemap, target_mbps)
        self._shortcuts = self._make_shortcuts()
        self._qt_texts.switch(self._look.texts.language)
        self._apply_look()
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.look_at_drive)
        self._timer.start()
        # The chart is drawn halfway between two looks: map and chart at once would take twice as
        # long without a pause for the keyboard.
        self._chart_timer = QTimer(self)
        self._chart_timer.setSingleShot(True)
        self._chart_timer.setInterval(POLL_MS // 2)
        self._chart_timer.timeout.connect(self._show_chart)
        self.setFocus()  # not on a button: nobody asked for one yet
        self.look_at_drive()

    @property
    def _look(self) -> Look:
        return self._looks.look

    # Building

    def _build(
        self, features: MapFeatures | None, basemap: Path | None, target_mbps: float
    ) -> None:
        self.setMinimumSize(BASE_WIDTH // 2, BASE_HEIGHT // 2)
        self._body = QWidget()
        self.setCentralWidget(self._body)
        self._trail = Trail()
        self._banner = FittedLabel(18, bold=True, align=Qt.AlignmentFlag.AlignHCenter)
        self._banner.setAutoFillBackground(True)
        self._strip = StatusStrip()
        self._left = LeftColumn(target_mbps)
        self._map = DriveMap(self._trail, features, basemap)
        self._chart = ThroughputStrip(self._trail, target_mbps)
        self._notices = NoticeLine()
        self._foot = FootButtons()
        self._sheet = Sheet(self._body)
        self._lay_out()
        self._left.start_stop.start_asked.connect(self._control.start)
        self._left.start_stop.stop_asked.connect(self._control.stop)
        for do, button in {
            Do.TEST: self._left.test,
            Do.MARK: self._left.mark,
            Do.ZOOM_IN: self._map.zoom_in,
            Do.ZOOM_OUT: self._map.zoom_out,
            Do.FOLLOW: self._map.follow,
            **self._foot.buttons,
        }.items():
            button.clicked.connect(lambda _checked=False, do=do: self.do(do))

    def _lay_out(self) -> None:
        right = QVBoxLayout()
        right.addWidget(self._banner)  # beside the number, which needs all of its height
        right.addWidget(self._map, 62)
        right.addWidget(self._chart, 38)
        middle = QHBoxLayout()
        middle.addWidget(self._left, 42)
        middle.addLayout(right, 58)
        bottom = QHBoxLayout()
        bottom.addWidget(self._notices, 1)
        bottom.addWidget(self._foot)
        self._rows = QVBoxLayout(self._body)
        self._rows.addWidget(self._strip)
        self._rows.addLayout(middle, 1)
        self._rows.addLayout(bottom)
        self._spaced = (right, middle, bottom, self._rows)

    def _make_shortcuts(self) -> dict[Do, QShortcut]:
        shortcuts: dict[Do, QShortcut] = {}
        for action in ACTIONS:
            if action.do is Do.START_STOP:
                continue  # a press and a release: see keyPressEvent
            shortcut = QShortcut(self)
            shortcut.setKeys([QKeySequence(key) for key in action.keys])
            shortcut.setAutoRepeat(action.do in (Do.ZOOM_IN, Do.ZOOM_OUT))
            shortcut.activated.connect(lambda do=action.do: self.do(do))
            shortcuts[action.do] = shortcut
        return shortcuts

    # Looking

    def read_features(self, read: Callable[[], MapFeatures]) -> None:
        """Put highways and settlements on the map as soon as ``read`` has them."""
        self._features = Later(read)

    def look_at_drive(self) -> None:
        """Fetch what is new and show it. Called five times a second."""
        features = self._features.take() if self._features is not None else None
        if features is not None:
            self._map.set_features(features)
        if self._closing.is_done:
            self._release()
            self.close()
            return
        news = self._feed.look()
        self.snapshot = news.snapshot
        if news.another_drive:
            self._trail.clear()
            self._map.tests.clear()
            self._chart.clear()
        self._trail.append(news.points)
        self._map.tests += [s for s in map(stretch_of, news.tests) if s is not None]
        self._chart.append(news.tests)
        if self._map.trouble is not None:
            self._notices.tell(news.snapshot.utc_us, Health.DEGRADED, self._map.trouble)
            self._map.trouble = None
        if self._looks.follow(self.snapshot):
            self._apply_look()
        self._render()
        self._chart_timer.start()

    def _show_chart(self) -> None:
        self._chart.show_snapshot(self.snapshot)

    def _render(self) -> None:
        snapshot = self.snapshot
        self._keep_question()
        if self.is_moving():
            self._sheet.hide()
        free = not (self._left.question.is_asking or self._sheet.isVisible())
        for do, shortcut in self._shortcuts.items():
            shortcut.setEnabled(free or do is Do.QUIT)
        self._banner.setVisible(snapshot.replayed)
        self._strip.show_snapshot(snapshot)
        self._left.show_snapshot(snapshot, closing=self._closing.has_begun)
        self._map.show_snapshot(snapshot)
        self._notices.show_snapshot(snapshot)

    def is_moving(self) -> bool:
        """Return whether the car drives: above 8 km/h, by a fix not older than a minute."""
        fix, age_us = self.snapshot.fix, self.snapshot.fix_age_us
        if fix is None or fix.speed_mps is None or age_us is None:
            return False
        return age_us < _OLD_FIX_US and fix.speed_mps > MOVING_ABOVE_MPS

    def _keep_question(self) -> None:
        """Ask what is open, at standstill only; a question waits while the car moves."""
        texts, page = self._look.texts, self._left.question
        resume = self.snapshot.resume_question
        if resume is None:
            self._resume_answered = False
        if self.is_moving():
            self._quit_asked = False
            page.withdraw()
        elif self._quit_asked:
            page.ask(
                texts.tr("quit_question"), texts.tr("quit_yes"), texts.tr("quit_no"), self._quit
            )
        elif resume is not None and not self._resume_answered:
            page.ask(texts.say(resume), texts.tr("resume_yes"), texts.tr("resume_no"), self._resume)
        else:
            page.withdraw()

    def _resume(self, accepted: bool) -> None:
        self._resume_answered = True
        self._control.resume(accepted)
        self._render()

    # Doing

    def do(self, do: Do) -> None:
        """Carry out one action of the list."""
        match do:
            case Do.TEST | Do.MARK if self.snapshot.state is not DriveState.DRIVING:
                pass  # nothing to test for or to mark; the buttons are off as well
            case Do.TEST:
                self._control.test_now()
                self._notices.tell(self.snapshot.utc_us, Health.OK, message("gui.test_asked"))
            case Do.MARK:
                self._control.mark()
                self._notices.tell(self.snapshot.utc_us, Health.OK, message("gui.mark_asked"))
            case Do.ZOOM_IN:
                self._map.zoom_by(0.5)
            case Do.ZOOM_OUT:
                self._map.zoom_by(-0.5)
            case Do.FOLLOW:
                self._map.follow_car()
            case Do.NIGHT:
                self._looks.next_choice()
                self._looks.follow(self.snapshot)
                self._apply_look()
            case Do.LANGUAGE:
                self._looks.next_language()
                self._qt_texts.switch(self._look.texts.language)
                self._apply_look()
            case Do.HISTORY:
                rows = history_rows(self._look.texts, self._notices.history)
                self._open_sheet("notices", rows)
            case Do.HELP:
                self._open_sheet("help_title", key_rows(self._look.texts))
            case Do.QUIT:
                self._ask_to_quit()
            case Do.START_STOP:
                raise ValueError("start and stop are a press and a release of the button")
        self._render()

    def _open_sheet(self, title_id: str, rows: list[tuple[str, str]]) -> None:
        if self.is_moving():
            self._notices.tell(self.snapshot.utc_us, Health.OFF, message("gui.not_while_moving"))
            return
        texts = self._look.texts
        top = self._strip.geometry().bottom() + self._look.px(8)
        bottom = self._foot.geometry().top() - self._look.px(8)
        edge = self._look.px(8)
        self._sheet.setGeometry(edge, top, self._body.width() - 2 * edge, bottom - top)
        self._sheet.show_rows(texts.tr(title_id), rows, texts.tr("any_key_closes"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat():
            return
        question = self._left.question
        if self._sheet.isVisible():
            self._sheet.hide()
            self._render()
        elif question.is_asking and event.key() in YES_KEYS:
            question.give(True)
        elif question.is_asking and event.key() in NO_KEYS:
            question.give(False)
        elif event.key() == Qt.Key.Key_Space:
            self._left.start_stop.press()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._left.start_stop.release()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # The release of a key goes to whichever window has the keyboard by then.
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._left.start_stop.cancel_hold()

    # Looks

    def _apply_look(self) -> None:
        look = self._look
        self.setPalette(qt_palette(look.theme))
        self.setWindowTitle(look.texts.tr("title"))
        gap = look.px(8)
        for layout in self._spaced:
            layout.setSpacing(gap)
        self._rows.setContentsMargins(gap, gap, gap, gap)
        self._banner.setFixedHeight(look.px(_BANNER_PX))
        self._banner.set_look(look, look.theme.panel)
        self._banner.setText(look.texts.tr("replay_banner"))
        banner_palette = QPalette(self._banner.palette())
        banner_palette.setColor(QPalette.ColorRole.Window, QColor(look.theme.ink))
        self._banner.setPalette(banner_palette)
        for part in (self._strip, self._left, self._map, self._chart, self._notices, self._sheet):
            part.set_look(look)
        self._foot.set_look(look, self._looks.choice)
        self._render()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._sheet.hide()
        if self._looks.fit(self.width(), self.height()):
            self._apply_look()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            if self.on_first_paint is not None:
                QTimer.singleShot(0, self.on_first_paint)
            QTimer.singleShot(0, self._chart.load)

    # Leaving

    def _ask_to_quit(self) -> None:
        driving = self.snapshot.state is DriveState.DRIVING
        if driving and not self.is_moving() and not self._closing.has_begun:
            self._quit_asked = True
        else:
            self.close()

    def _quit(self, accepted: bool) -> None:
        self._quit_asked = False
        if accepted:
            self.close()
        self._render()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close the drive first, in the background; the window goes when that is done."""
        if self.closed:
            event.accept()
            return
        event.ignore()
        if not self._closing.has_begun:
            self._closing.begin()
            self._render()
        elif self._closing.is_done or self._closing.is_overdue:
            self._release()
            event.accept()

    def _release(self) -> None:
        self._timer.stop()
        self._chart_timer.stop()
        self._map.close_tiles()
        self._chart.finish_loading()
        self._qt_texts.remove()
        self.closed = True
