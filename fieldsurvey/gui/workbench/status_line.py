"""The line that says it: the verdict or the share of what is selected, its counts, what goes on."""

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from fieldsurvey.gui.fitting import FittedLabel, screen_font
from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.shapes import OUTLOOK_SHAPES, draw_shape
from fieldsurvey.gui.theme import Look, outlook_colours
from fieldsurvey.model.messages import Message

_HEIGHT_PX = 44
_SIGN_PX = 30
_COUNTS_PX = 13
_SPACE_PX = 10
_MOST_OF_LINE = 0.34  # of what counts and sentence share, for the counts
_MOST_OF_WINDOW = 1 / 4


class _Sign(QWidget):
    """The verdict's shape."""

    def __init__(self) -> None:
        super().__init__()
        self.outlook: Outlook | None = None
        self.look: Look | None = None

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self.look is None or self.outlook is None:
            return
        painter = QPainter(self)
        colour = QColor(outlook_colours(self.look.theme, self.outlook)[0])
        centre = QPointF(self.width() / 2, self.height() / 2)
        draw_shape(painter, OUTLOOK_SHAPES[self.outlook], centre, self.look.px(9), colour)
        painter.end()


class StatusLine(QFrame):
    """Signals:
    cancel_asked: what goes on is to be given up.
    """

    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._look: Look | None = None
        self._sign = _Sign()
        self.sentence = FittedLabel(16, bold=True, lines=2)
        self.counts = FittedLabel(_COUNTS_PX, lines=2, align=Qt.AlignmentFlag.AlignRight)
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.bar.setTextVisible(False)
        self.bar.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        # Or the layout would leave no room where only the sentence stretches.
        self.counts.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.doing = FittedLabel(13, lines=2, align=Qt.AlignmentFlag.AlignRight)
        self.cancel = QPushButton()
        self.cancel.clicked.connect(self.cancel_asked)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._sign)
        self._row.addWidget(self.sentence, 66)
        self._row.addWidget(self.counts)
        self._row.addWidget(self.doing, 20)
        self._row.addWidget(self.bar)
        self._row.addWidget(self.cancel)
        self.show_progress(None, 0.0)

    def set_look(self, look: Look) -> None:
        self._look = self._sign.look = look
        texts, theme = look.texts, look.theme
        self.setFixedHeight(look.px(_HEIGHT_PX))
        space = look.px(_SPACE_PX)
        self._row.setContentsMargins(space, 0, space, 0)
        self._row.setSpacing(space)
        self.sentence.set_look(look, theme.ink)
        self.counts.set_look(look, theme.soft_ink)
        self.doing.set_look(look, theme.soft_ink)
        self.bar.setFixedSize(look.px(110), look.px(12))
        self.bar.setAccessibleName(texts.tr("wb_progress"))
        self.cancel.setText(texts.tr("wb_cancel"))
        self.cancel.setAccessibleName(texts.tr("wb_cancel"))

    def say(self, outlook: Outlook | None, sentence: str, counts: str) -> None:
        """Show the sentence with its sign, and the counts."""
        assert self._look is not None
        self._sign.outlook = outlook
        self._sign.setFixedWidth(self._look.px(_SIGN_PX) if outlook is not None else 0)
        self._sign.update()
        self.sentence.show_text(sentence)
        self.counts.show_text(counts)
        self._fit_counts()
        self.setAccessibleName(f"{sentence} {counts}")

    def _fit_counts(self) -> None:
        """Leave to the sentence what the counts do not need: it wraps no sooner than it must."""
        if self._look is None:
            return
        metrics = QFontMetrics(screen_font(self._look.px(_COUNTS_PX), bold=False))
        needed = metrics.boundingRect(self.counts.text()).width() + self._look.px(2)
        shared = self.width() - self._sign.width() - 4 * self._look.px(_SPACE_PX)
        self.counts.setFixedWidth(max(0, min(needed, round(shared * _MOST_OF_LINE))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_counts()

    def show_progress(self, label: Message | None, share: float) -> None:
        """Show what goes on; None where nothing does."""
        goes_on = label is not None
        for part in (self.doing, self.bar, self.cancel):
            part.setVisible(goes_on)
        self.counts.setVisible(not goes_on)
        if label is not None and self._look is not None:
            self.doing.show_text(self._look.texts.say(label))
            self.bar.setRange(0, 100 if share > 0 else 0)  # it moves where no share is known
            self.bar.setValue(round(share * 100))


class NoticeBar(QFrame):
    """What has to be told, until it is closed: what happened, what was kept, what to do.

    Takes no more than a quarter of the window; what is longer is scrolled."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self._look: Look | None = None
        self._told: Message | None = None
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton()
        self.cross = QToolButton()
        self.cross.setText("✕")
        self.cross.setAutoRaise(True)
        self.cross.clicked.connect(self.hide)
        self._room = QScrollArea()
        self._room.setWidget(self.label)
        self._room.setWidgetResizable(True)
        self._room.setFrameShape(QFrame.Shape.NoFrame)
        self._room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._room, 1)
        self._row.addWidget(self.button)
        self._row.addWidget(self.cross)
        self.button.hide()
        self.hide()

    def set_look(self, look: Look) -> None:
        self._look = look
        self.label.setFont(screen_font(look.px(13), bold=False))
        self._row.setContentsMargins(look.px(10), look.px(4), look.px(6), look.px(4))
        self.cross.setAccessibleName(look.texts.tr("wb_close"))
        self.cross.setToolTip(look.texts.tr("wb_close"))
        if self._told is not None and not self.isHidden():  # what was closed stays closed
            self.tell(self._told)

    def tell(self, told: Message) -> None:
        """Show a message, instead of the one before."""
        self._told = told
        if self._look is not None:
            self.label.setText(self._look.texts.say(told))
            self.setAccessibleName(self.label.text())
            self._room.setAccessibleName(self.label.text())
        self.show()
        self._fit()

    def withdraw(self, *ids: str) -> None:
        """Close it if it still shows one of these messages, which are true no more."""
        if self._told is not None and self._told.id in ids:
            self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.label.text():
            self._fit()

    def _fit(self) -> None:
        needed = self.label.heightForWidth(self._room.width())
        most = round(self.window().height() * _MOST_OF_WINDOW)
        self._room.setFixedHeight(min(needed, most))
        # Tab stops there only where there is something to scroll.
        focus = Qt.FocusPolicy.StrongFocus if needed > most else Qt.FocusPolicy.NoFocus
        self._room.setFocusPolicy(focus)
