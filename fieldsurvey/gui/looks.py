"""Decides how the window looks at present: palette by the sun or by choice, language, size."""

from dataclasses import replace

from fieldsurvey.drive.snapshot import DriveSnapshot
from fieldsurvey.gui.sun import is_night, sun_elevation_deg
from fieldsurvey.gui.texts import Texts, chosen_language
from fieldsurvey.gui.theme import DAY, NIGHT, Look, ThemeChoice

BASE_WIDTH, BASE_HEIGHT = 1024, 600
_MIN_SCALE, _MAX_SCALE, _SCALE_STEPS = 0.5, 2.5, 50
_US_PER_S = 1e6


class LookKeeper:
    """Attributes:
    look: what to draw with.
    choice: what the surveyor chose for the palette.
    """

    def __init__(self, language: str | None) -> None:
        self.choice = ThemeChoice.AUTO
        self.look = Look(DAY, Texts(chosen_language(language)))

    def next_choice(self) -> None:
        """By the sun, day, night, by the sun. ``follow`` puts it into effect."""
        choices = list(ThemeChoice)
        self.choice = choices[(choices.index(self.choice) + 1) % len(choices)]

    def next_language(self) -> None:
        """English, Kazakh, Russian, English."""
        self.look = replace(self.look, texts=self.look.texts.next_language())

    def follow(self, snapshot: DriveSnapshot) -> bool:
        """Take the palette of the choice or of the sun's height; return whether it changed."""
        fix, night = snapshot.fix, self.look.theme is NIGHT
        if self.choice is not ThemeChoice.AUTO:
            night = self.choice is ThemeChoice.NIGHT
        elif fix is not None:
            elevation_deg = sun_elevation_deg(
                snapshot.utc_us / _US_PER_S, fix.latitude_deg, fix.longitude_deg
            )
            night = is_night(elevation_deg, was_night=night)
        before = self.look
        self.look = replace(before, theme=NIGHT if night else DAY)
        return self.look != before

    def fit(self, width: int, height: int) -> bool:
        """Take the size that fills a window; return whether it changed."""
        fitting = min(width / BASE_WIDTH, height / BASE_HEIGHT)
        bounded = min(_MAX_SCALE, max(_MIN_SCALE, fitting))
        before = self.look
        self.look = replace(before, scale=int(bounded * _SCALE_STEPS + 1e-6) / _SCALE_STEPS)
        return self.look != before
