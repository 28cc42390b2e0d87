"""The words of the data on screen: operators and highways as they are, our own words translated.

The window and its prints have one clock, Kazakhstan's, and say so; files are in UTC.
"""

import time
from collections.abc import Mapping
from types import MappingProxyType

from fieldsurvey.analysis.event import KAZAKHSTAN_UTC_OFFSET_H
from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.filters import Filters
from fieldsurvey.model.messages import catalogue

_OURS = ("result", "trigger", "access_type", "technology", "verdict", "outcome")
_US_PER_S = 1_000_000
CLOCK_S = KAZAKHSTAN_UTC_OFFSET_H * 3_600  # what it is ahead of UTC
_NO_NAMES: Mapping[str, str] = MappingProxyType({})


Names = Mapping[str, str]


def word_of(texts: Texts, name: str, word: str | None, names: Names = _NO_NAMES) -> str:
    """Return how a word of a field reads; "" and None are "not known". ``names`` of settlements,
    by id."""
    if not word:
        return texts.tr("wb_not_known")
    if name == "settlement_id":
        return names.get(word, word)
    if name in _OURS and f"gui.wb_word_{word}" in catalogue():
        return texts.tr(f"wb_word_{word}")
    return word


def clock(utc_us: int) -> str:
    """Return a time as "2026-05-18 14:00:12", by Kazakhstan's clock."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(utc_us // _US_PER_S + CLOCK_S))


def day(utc_us: int) -> str:
    """Return the day by Kazakhstan's clock."""
    return clock(utc_us)[:10]


def words_of(texts: Texts, filters: Filters, name: str, names: Names) -> str:
    """Return what a predicate asks for, for its chip and for prints."""
    match name:
        case "time":
            first = "…" if filters.first_utc_us is None else clock(filters.first_utc_us)[:16]
            end = "…" if filters.end_utc_us is None else clock(filters.end_utc_us)[:16]
            return texts.tr("wb_time_words", first=first, end=end)
        case "road" if filters.road is not None:
            road = filters.road
            return texts.tr(
                "wb_road_words",
                highway=road.highway_ref,
                low=_km(texts, road.from_m),
                high=_km(texts, road.to_m),
            )
    return ", ".join(word_of(texts, name, word, names) for word in filters.choices.get(name, ()))


def _km(texts: Texts, metres: float) -> str:
    km = metres / 1000
    return texts.number(km, 0 if km == int(km) else 1)


def capitalised(text: str) -> str:
    """Return the name of a field as a title."""
    return text[:1].upper() + text[1:]
