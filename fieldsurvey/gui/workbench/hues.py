"""Which colour and line a word of a field has: the same in every chart, whatever is selected.

By its place among all words of what is open, not among those drawn: an operator keeps its colour
when others are filtered away or have more tests.
"""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.facts import Coded

# Okabe-Ito's hues that can be told from each other, each with a line of its own.
_DAY = ("#0072b2", "#d55e00", "#007a5a", "#8c3b6b", "#8a5a00", "#4b565f")
_NIGHT = ("#56b4e9", "#e66a0d", "#12ab80", "#cc79a7", "#e69f00", "#9aa7b2")
_LINES = (
    Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
)  # fmt: skip


def place_of(field: Coded, word: str) -> int:
    """Return the place of a word among all of its field, which are sorted; "not known" is last."""
    return field.words.index(word) if word in field.words else len(field.words)


def hue_of(look: Look, place: int) -> QColor:
    hues = _NIGHT if look.theme.name == "night" else _DAY
    return QColor(hues[place % len(hues)])


def line_of(place: int) -> Qt.PenStyle:
    """Return the line; those of one hue have different ones."""
    return _LINES[place % len(_LINES)]
