"""Day and night as data: every colour a widget may use, by what it is for.

Okabe-Ito hues, chosen so that text keeps a contrast of 4.5 and more on what is behind it. Colour is
never the only sign: each meaning has its own shape (``shapes.py``) and word as well.
"""

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtGui import QColor, QPalette

from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.texts import Texts
from fieldsurvey.model.verdict import Verdict


class ThemeChoice(StrEnum):
    AUTO = "auto"  # by the height of the sun
    DAY = "day"
    NIGHT = "night"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as ``#rrggbb``. An ``on_…`` colour is for text upon the one it names."""

    name: str
    background: str
    panel: str
    ink: str
    soft_ink: str
    line: str
    button: str
    on_button: str
    start: str
    on_start: str
    stop: str
    on_stop: str
    above: str
    on_above: str
    below: str
    on_below: str
    undecided: str
    on_undecided: str
    no_service: str
    on_no_service: str
    neutral: str
    on_neutral: str
    ok: str
    degraded: str
    failed: str
    off: str
    map_ground: str
    highway: str
    on_highway: str
    settlement: str
    trail: str
    target_line: str
    tile_opacity: float


DAY = Theme(
    name="day",
    background="#e9edf0",
    panel="#ffffff",
    ink="#12181d",
    soft_ink="#4b565f",
    line="#c3ccd3",
    button="#d5dde3",
    on_button="#12181d",
    start="#00664a",
    on_start="#ffffff",
    stop="#12181d",
    on_stop="#ffffff",
    above="#0072b2",
    on_above="#ffffff",
    below="#d55e00",
    on_below="#000000",
    undecided="#e69f00",
    on_undecided="#000000",
    no_service="#8c3b6b",
    on_no_service="#ffffff",
    neutral="#5b6670",
    on_neutral="#ffffff",
    ok="#00664a",
    degraded="#8a5a00",
    failed="#b34400",
    off="#5b6670",
    map_ground="#f6f7f5",
    highway="#8f9ba5",
    on_highway="#ffffff",
    settlement="#3d4850",
    trail="#007a5a",
    target_line="#12181d",
    tile_opacity=0.55,
)

NIGHT = Theme(
    name="night",
    background="#101418",
    panel="#1a2026",
    ink="#d6dde3",
    soft_ink="#9aa7b2",
    line="#36424c",
    button="#2b353e",
    on_button="#d6dde3",
    start="#009e73",
    on_start="#0b0e11",
    stop="#3a4651",
    on_stop="#e4e9ed",
    above="#56b4e9",
    on_above="#101418",
    below="#e66a0d",
    on_below="#101418",
    undecided="#e69f00",
    on_undecided="#101418",
    no_service="#cc79a7",
    on_no_service="#101418",
    neutral="#8a97a2",
    on_neutral="#101418",
    ok="#12ab80",
    degraded="#e69f00",
    failed="#e66a0d",
    off="#8a97a2",
    map_ground="#12171c",
    highway="#5d6b77",
    on_highway="#ffffff",
    settlement="#aab5be",
    trail="#12ab80",
    target_line="#d6dde3",
    tile_opacity=0.16,
)


def outlook_colours(theme: Theme, outlook: Outlook) -> tuple[str, str]:
    """Return the colour of a result and the colour of text upon it."""
    return {
        Outlook.ABOVE: (theme.above, theme.on_above),
        Outlook.BELOW: (theme.below, theme.on_below),
        Outlook.UNDECIDED: (theme.undecided, theme.on_undecided),
        Outlook.NO_SERVICE: (theme.no_service, theme.on_no_service),
        Outlook.SELF_LIMITED: (theme.neutral, theme.on_neutral),
        Outlook.FAILED: (theme.neutral, theme.on_neutral),
        Outlook.NOT_TESTED: (theme.neutral, theme.on_neutral),
    }[outlook]


def verdict_colour(theme: Theme, verdict: Verdict) -> str:
    """Return the colour of a verdict, the same as that of a result that reads so."""
    return outlook_colours(theme, Outlook(verdict.value))[0]


def qt_palette(theme: Theme) -> QPalette:
    """Return the palette for Qt's own widgets: tooltips, scroll bars, focus."""
    palette = QPalette()
    role = QPalette.ColorRole
    for key, colour in {
        role.Window: theme.background,
        role.Base: theme.panel,
        role.AlternateBase: theme.background,
        role.Button: theme.button,
        role.WindowText: theme.ink,
        role.Text: theme.ink,
        role.ButtonText: theme.on_button,
        role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.ink,
        role.PlaceholderText: theme.soft_ink,
        role.Highlight: theme.above,
        role.HighlightedText: theme.on_above,
    }.items():
        palette.setColor(key, QColor(colour))
    return palette


@dataclass(frozen=True, slots=True)
class Look:
    """How everything is drawn at present: palette, language and size.

    ``scale`` is 1 in a window of 1024×600 and grows with the window, so that a bigger screen is
    read from further away and a smaller one cuts nothing off.
    """

    theme: Theme
    texts: Texts
    scale: float = 1.0

    def px(self, pixels: float) -> int:
        """Return a length given for a 1024×600 window in pixels of this one."""
        return max(1, round(pixels * self.scale))
