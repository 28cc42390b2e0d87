"""The one big button. A tap starts; stopping wants a press of one second, so that no pothole ends
a drive.

The same press and release serve the mouse, a touch screen and the space bar.
"""

from enum import Enum, auto

from PySide6.QtCore import QElapsedTimer, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.gui.fitting import BigButton
from fieldsurvey.gui.theme import Look
from fieldsurvey.model.drive import DriveState

HOLD_MS = 1_000
_HOLD_PAINT_MS = 50
# A held key repeats as release and press, and Qt cannot always tell that from a second stroke.
_BOUNCE_MS = 60
HEIGHT_PX = 92


class Face(Enum):
    """What the button offers at present."""

    WAITING = auto()
    START = auto()
    STOP = auto()
    ENDED = auto()
    CLOSING = auto()


class StartStop(BigButton):
    """Start and stop.

    Signals:
        start_asked: tapped where a drive can start.
        stop_asked: held for one second while driving.
    """

    start_asked = Signal()
    stop_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(30, "Space", parent)
        self.dims_when_disabled = False  # it says what is missing
        self._style: Look | None = None
        self.face = Face.WAITING
        self._is_down = False
        self._pressed_face: Face | None = None  # what this press may still do
        self._held_ms = QElapsedTimer()
        self._bounce_timer = QTimer(self)
        self._bounce_timer.setSingleShot(True)
        self._bounce_timer.setInterval(_BOUNCE_MS)
        self._bounce_timer.timeout.connect(self._came_up)
        self._hold_timer = QTimer(self)
        self._hold_timer.setInterval(_HOLD_PAINT_MS)
        self._hold_timer.timeout.connect(self._while_held)
        self.clicked.connect(self._clicked)  # Enter, and screen readers

    def show_look(self, look: Look) -> None:
        self._style = look
        theme = look.theme
        face, ink = {
            Face.START: (theme.start, theme.on_start),
            Face.STOP: (theme.stop, theme.on_stop),
        }.get(self.face, (theme.button, theme.on_button))
        self.set_look(look, face, ink, HEIGHT_PX)

    def show_snapshot(self, snapshot: DriveSnapshot, closing: bool) -> None:
        if self._style is None:
            return
        texts = self._style.texts
        face = _face_of(snapshot, closing)
        if face is not self.face:
            self.face = face
            self._disarm()
            self.show_look(self._style)
        if face is Face.WAITING:
            waiting = snapshot.waiting_for
            text = texts.tr("preparing") if waiting is None else texts.say(waiting)
        elif face is Face.START and snapshot.state is DriveState.STOPPED:
            text = texts.tr("start_again")
        else:
            text = texts.tr(f"button_{face.name.lower()}")
        if self._held_ms.isValid():
            text = texts.tr("keep_holding")
        self.show_text(text)
        self.setEnabled(face in (Face.START, Face.STOP))

    def press(self) -> None:
        """The space bar or the mouse went down."""
        self._bounce_timer.stop()
        if self._is_down:
            return
        self._is_down = True
        self._pressed_face = self.face
        if self.face is Face.STOP:
            self._held_ms.start()
            self._hold_timer.start()
            self._tell_to_hold()
        self.update()

    def release(self) -> None:
        """It came up again, unless it is down once more within a moment."""
        if self._is_down:
            self._bounce_timer.start()

    def cancel_hold(self) -> None:
        """Forget a press: the pointer left, or the window lost the keyboard."""
        self._bounce_timer.stop()
        self._is_down = False
        self._disarm()

    def _disarm(self) -> None:
        """One press does one thing: what ended a drive must not start the next before it is up."""
        self._pressed_face = None
        self._hold_timer.stop()
        self._held_ms.invalidate()
        self.update()

    def _came_up(self) -> None:
        tapped = self._pressed_face is Face.START
        self.cancel_hold()
        if tapped:
            self.start_asked.emit()

    def progress(self) -> float:
        return self._held_ms.elapsed() / HOLD_MS if self._held_ms.isValid() else 0.0

    def _tell_to_hold(self) -> None:
        if self._style is not None:
            self.show_text(self._style.texts.tr("keep_holding"))

    def _while_held(self) -> None:
        if self.progress() >= 1 and not self._bounce_timer.isActive():
            self._disarm()
            self.stop_asked.emit()
        self.update()

    def _clicked(self) -> None:
        # Only Enter and assistive technology come here: the mouse handlers below do not call the
        # base class. A single activation may start a drive, but never end one.
        if self.face is Face.START:
            self.start_asked.emit()

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self.press()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.rect().contains(event.position().toPoint()):
            self.release()
        else:
            self.cancel_hold()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self.rect().contains(event.position().toPoint()):
            self.cancel_hold()


def _face_of(snapshot: DriveSnapshot, closing: bool) -> Face:
    if closing:
        return Face.CLOSING
    if snapshot.state is DriveState.DRIVING:
        return Face.STOP
    if snapshot.ended:
        return Face.ENDED
    if snapshot.state is DriveState.IDLE or snapshot.waiting_for is not None:
        return Face.WAITING
    return Face.START
