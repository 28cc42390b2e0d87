"""One list of everything the surveyor can ask for, with its key.

Buttons, shortcuts and the help sheet are made from this list, so that they cannot disagree.
"""

from dataclasses import dataclass
from enum import StrEnum


class Do(StrEnum):
    START_STOP = "start_stop"
    TEST = "test"
    MARK = "mark"
    FOLLOW = "follow"
    ZOOM_IN = "zoom_in"
    ZOOM_OUT = "zoom_out"
    NIGHT = "night"
    LANGUAGE = "language"
    HISTORY = "history"
    HELP = "help"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Action:
    """``keys`` are Qt's portable names, the first is the one told to the user. The others are for
    the same key on a Cyrillic or a numeric keyboard."""

    do: Do
    keys: tuple[str, ...]

    @property
    def text_id(self) -> str:
        """Text id of the short label."""
        return f"do_{self.do.value}"

    @property
    def help_id(self) -> str:
        """Text id of the line in the help sheet."""
        return f"help_{self.do.value}"


ACTIONS = (
    Action(Do.START_STOP, ("Space",)),  # a press and a hold: handled by the window itself
    Action(Do.TEST, ("T", "Е")),
    Action(Do.MARK, ("M", "Ь")),
    Action(Do.FOLLOW, ("F", "А")),
    Action(Do.ZOOM_IN, ("+", "=")),
    Action(Do.ZOOM_OUT, ("-", "_")),
    Action(Do.NIGHT, ("N", "Т")),
    Action(Do.LANGUAGE, ("L", "Д")),
    Action(Do.HISTORY, ("H", "Р")),
    Action(Do.HELP, ("F1",)),
    Action(Do.QUIT, ("Ctrl+Q", "Ctrl+Й")),
)


def action(do: Do) -> Action:
    """Return the action that does ``do``."""
    return next(entry for entry in ACTIONS if entry.do is do)
