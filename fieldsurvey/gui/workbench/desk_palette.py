"""The palette of the desk's own widgets: the theme's, and paler for what cannot be used."""

from PySide6.QtGui import QColor, QPalette

from fieldsurvey.gui.theme import Theme, qt_palette

_PALE = 0.45


def desk_palette(theme: Theme) -> QPalette:
    palette = qt_palette(theme)
    role = QPalette.ColorRole
    for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        pale = QColor(palette.color(key))
        pale.setAlphaF(_PALE)
        palette.setColor(QPalette.ColorGroup.Disabled, key, pale)
    for key, name in {
        role.Light: theme.panel,
        role.Midlight: theme.button,
        role.Mid: theme.line,
        role.Dark: theme.line,
        role.Shadow: theme.soft_ink,
        role.Link: theme.above,
    }.items():
        palette.setColor(key, QColor(name))
    return palette
