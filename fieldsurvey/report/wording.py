"""Words and numbers of a report in one language: what a reader in it expects to see printed.

A number never loses its unit and a missing one is a dash, never 0. Days and times are by the clock
of Kazakhstan, as everywhere a supervisor reads them. Must not compute.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fieldsurvey.analysis.event import KAZAKHSTAN_UTC_OFFSET_H
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.rates import LEAST_MBPS, cut_mbps
from fieldsurvey.model.shares import whole_interval, whole_percent

DASH = "–"
_NARROW = "\N{NARROW NO-BREAK SPACE}"
_SPACE = "\N{NO-BREAK SPACE}"
CLOCK = f"UTC+{KAZAKHSTAN_UTC_OFFSET_H}"
_OFFSET = timedelta(hours=KAZAKHSTAN_UTC_OFFSET_H)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wording:
    """``language``: one of :data:`fieldsurvey.model.messages.LANGUAGES`."""

    language: str

    def tr(self, id: str, /, **args: object) -> str:  # noqa: A002 - it is the id
        """Return the text of a message id."""
        return self.say(message(id, **args))

    def say(self, text: Message) -> str:
        """Return a message's text, with whole numbers as they are written in tables."""
        shown = {
            name: self.say(value) if type(value) is Message  # a name is one as well
            else self.number(value) if type(value) is int
            else value
            for name, value in text.args.items()
        }  # fmt: skip
        return Message(text.id, shown).text(self.language)

    def number(self, value: float | None, places: int = 0) -> str:
        """Return a number with the decimal mark of the language, in groups of three digits."""
        if value is None or not math.isfinite(value):
            return DASH
        text = f"{value:,.{places}f}".replace(",", _NARROW)
        if text.startswith("-"):
            text = "\N{MINUS SIGN}" + text[1:]
        return text if self.language == "en" else text.replace(".", ",")

    def mbps(self, rate_bps: float | None) -> str:
        """Return a rate in Mbps without the unit, as :func:`fieldsurvey.model.rates.cut_mbps` cuts
        it, and never 0 for what was more."""
        if rate_bps is None:
            return DASH
        if rate_bps < LEAST_MBPS * 1e6:
            return f"<{self.number(LEAST_MBPS, 2)}"
        return self.number(*cut_mbps(rate_bps / 1e6))

    def km(self, metres: float | None) -> str:
        """Return a length in kilometres without the unit, and without decimals that are zero."""
        if metres is None:
            return DASH
        tenths = round(metres / 100)
        return self.number(tenths / 10, 1 if tenths % 10 else 0)

    def percent(self, share: float | None) -> str:
        """Return a share of 1 as percent."""
        return DASH if share is None else f"{whole_percent(share)}{_SPACE}%"

    def interval(self, low: float | None, high: float | None) -> str:
        """Return both ends of an interval of shares as percent."""
        if low is None or high is None:
            return DASH
        first, last = whole_interval(low, high)
        return f"{first}–{last}{_SPACE}%"

    def milliseconds(self, time_us: float | None) -> str:
        """Return a round trip in milliseconds without the unit."""
        return DASH if time_us is None else self.number(time_us / 1e3)

    def day(self, utc_us: int | None) -> str:
        """Return a day of Kazakhstan as it is written in the language."""
        if utc_us is None:
            return DASH
        return f"{moment(utc_us) + _OFFSET:{'%Y-%m-%d' if self.language == 'en' else '%d.%m.%Y'}}"

    def minute(self, utc_us: int | None) -> str:
        """Return day, hour and minute, and by which clock."""
        if utc_us is None:
            return DASH
        return f"{self.day(utc_us)} {moment(utc_us) + _OFFSET:%H:%M} {CLOCK}"

    def days(self, first_utc_us: int | None, last_utc_us: int | None) -> str:
        """Return the days from first to last, or the one they are."""
        first, last = self.day(first_utc_us), self.day(last_utc_us)
        return first if first == last else f"{first} – {last}"


def moment(utc_us: int) -> datetime:
    """Return a time as a date and time of UTC."""
    return _EPOCH + timedelta(microseconds=utc_us)
