"""One list of everything a supervisor can ask for, with its keys and its menu.

Menus, shortcuts, the command palette and the help sheet are made from it, so that they cannot
disagree.
"""

from dataclasses import dataclass
from enum import StrEnum


class Menu(StrEnum):
    FILE = "file"
    EDIT = "edit"
    SELECT = "select"
    VIEW = "view"
    HELP = "help"


class Needs(StrEnum):
    """What an action makes no sense without."""

    NOTHING = "nothing"
    OPEN = "open"  # something is open
    UNDO = "undo"
    REDO = "redo"


class Do(StrEnum):
    OPEN_FILES = "open_files"
    OPEN_FOLDER = "open_folder"
    IMPORT = "import"
    PLACES = "places"
    EXPORT = "export"
    REPORT = "report"
    SAVE_PLAN = "save_plan"
    PRINT = "print"
    QUIT = "quit"
    UNDO = "undo"
    REDO = "redo"
    EXCLUDE = "exclude"
    INCLUDE = "include"
    NOTE = "note"
    RETAG = "retag"
    COPY = "copy"
    FIND = "find"
    FILTER = "filter"
    SELECT_ALL = "select_all"
    CLEAR = "clear"
    ZOOM_SELECTION = "zoom_selection"
    SHOW_ALL = "show_all"
    SAVE_VIEW = "save_view"
    AXIS = "axis"
    CHART_RATE = "chart_rate"
    CHART_LATENCY = "chart_latency"
    CHART_SIGNAL = "chart_signal"
    CHART_DISTRIBUTION = "chart_distribution"
    CHART_PAIRS = "chart_pairs"
    CHART_EVENT = "chart_event"
    NEXT_PANEL = "next_panel"
    NIGHT = "night"
    LANGUAGE = "language"
    PALETTE = "palette"
    HELP = "help"


# The letter on the same key of a Cyrillic keyboard: a shortcut is a place, not a letter.
_CYRILLIC = dict(zip("QWERTYUIOPASDFGHJKLZXCVBNM", "ЙЦУКЕНГШЩЗФЫВАПРОЛДЯЧСМИТЬ", strict=True))


@dataclass(frozen=True, slots=True)
class Action:
    """``key`` is Qt's portable name and what the user is told; "" has none."""

    do: Do
    key: str
    menu: Menu
    needs: Needs = Needs.OPEN
    starts_group: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the key and the same one on a Cyrillic keyboard."""
        if not self.key:
            return ()
        before, _, letter = self.key.rpartition("+")
        other = _CYRILLIC.get(letter)
        if other is None:
            return (self.key,)
        return self.key, f"{before}+{other}" if before else other

    @property
    def text_id(self) -> str:
        """Text id of the label."""
        return f"wb_do_{self.do.value}"


ACTIONS = (
    Action(Do.OPEN_FILES, "Ctrl+O", Menu.FILE, Needs.NOTHING),
    Action(Do.OPEN_FOLDER, "Ctrl+Shift+O", Menu.FILE, Needs.NOTHING),
    Action(Do.IMPORT, "Ctrl+I", Menu.FILE, Needs.NOTHING),
    Action(Do.PLACES, "Ctrl+Shift+I", Menu.FILE, Needs.NOTHING),
    Action(Do.EXPORT, "Ctrl+E", Menu.FILE, starts_group=True),
    Action(Do.REPORT, "Ctrl+R", Menu.FILE),
    Action(Do.SAVE_PLAN, "Ctrl+Shift+S", Menu.FILE),
    Action(Do.PRINT, "Ctrl+P", Menu.FILE),
    Action(Do.QUIT, "Ctrl+Q", Menu.FILE, Needs.NOTHING, starts_group=True),
    Action(Do.UNDO, "Ctrl+Z", Menu.EDIT, Needs.UNDO),
    Action(Do.REDO, "Ctrl+Shift+Z", Menu.EDIT, Needs.REDO),
    Action(Do.EXCLUDE, "E", Menu.EDIT, starts_group=True),
    Action(Do.INCLUDE, "Shift+E", Menu.EDIT),
    Action(Do.NOTE, "M", Menu.EDIT),
    Action(Do.RETAG, "T", Menu.EDIT),
    Action(Do.COPY, "Ctrl+C", Menu.EDIT, starts_group=True),
    Action(Do.FIND, "Ctrl+F", Menu.SELECT),  # the map it goes to comes with what is open
    Action(Do.FILTER, "F", Menu.SELECT),
    Action(Do.SELECT_ALL, "Ctrl+A", Menu.SELECT, starts_group=True),
    Action(Do.CLEAR, "Esc", Menu.SELECT),
    Action(Do.ZOOM_SELECTION, "Z", Menu.SELECT),
    Action(Do.SHOW_ALL, "Ctrl+0", Menu.SELECT),
    Action(Do.SAVE_VIEW, "Ctrl+S", Menu.SELECT, starts_group=True),
    Action(Do.AXIS, "X", Menu.VIEW),
    Action(Do.CHART_RATE, "Ctrl+1", Menu.VIEW, starts_group=True),
    Action(Do.CHART_LATENCY, "Ctrl+2", Menu.VIEW),
    Action(Do.CHART_SIGNAL, "Ctrl+3", Menu.VIEW),
    Action(Do.CHART_DISTRIBUTION, "Ctrl+4", Menu.VIEW),
    Action(Do.CHART_PAIRS, "Ctrl+5", Menu.VIEW),
    Action(Do.CHART_EVENT, "Ctrl+6", Menu.VIEW),
    Action(Do.NEXT_PANEL, "F6", Menu.VIEW),
    Action(Do.NIGHT, "N", Menu.VIEW, Needs.NOTHING, starts_group=True),
    Action(Do.LANGUAGE, "L", Menu.VIEW, Needs.NOTHING),
    Action(Do.PALETTE, "Ctrl+K", Menu.HELP, Needs.NOTHING),
    Action(Do.HELP, "F1", Menu.HELP, Needs.NOTHING),
)


def action(do: Do) -> Action:
    """Return the action that does ``do``."""
    return next(entry for entry in ACTIONS if entry.do is do)
