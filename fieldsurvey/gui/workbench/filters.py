"""Which measurements are looked at: a few plain predicates, and their form as text.

Each predicate is a chip on screen with its counts, and the whole is a line of text that a saved
view, an export and a report can carry. Must not import Qt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode

import numpy as np

from fieldsurvey.gui.workbench.facts import TEST_FIELDS, Bools, Facts, Rows
from fieldsurvey.model.errors import KnownError

TAG = "tag"
TIME, ROAD, EXCLUDED, REPLAYED = "time", "road", "excluded", "replayed"
CHOICE_FIELDS = (*TEST_FIELDS, TAG)
# What only tests have says how one came about and came out: such tests are looked at, and never
# judged by themselves. Confirmations follow a bad result, and a tag is given in view of one.
OF_TESTS_ONLY = ("trigger", "result", TAG)
# These choose places to look at. A place is judged whole: a part of it is another place.
OF_PLACES = ("highway_ref", "settlement_id", ROAD)
_NO_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RoadRange:
    """From one kilometre of a highway to another, in metres; ``to_m`` itself is outside."""

    highway_ref: str
    from_m: float
    to_m: float


@dataclass(frozen=True)
class Filters:
    """What has to hold, all of it together.

    ``choices``: words of a field of which one must be there, "" for "not known". Times are UTC µs,
    the end itself outside. ``excluded``, ``replayed``: True shows what does not count.
    """

    choices: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_CHOICES)
    first_utc_us: int | None = None
    end_utc_us: int | None = None
    road: RoadRange | None = None
    excluded: bool = False
    replayed: bool = False

    def choosing(self, name: str, words: tuple[str, ...]) -> Filters:
        """Return these with another choice of one field; no words: any."""
        others = {key: value for key, value in self.choices.items() if key != name}
        if words:
            others[name] = tuple(sorted(words))
        return replace(self, choices=others)

    def without(self, name: str) -> Filters:
        """Return these without one predicate; ``…_shown`` stands for what is shown besides."""
        match name:
            case "time":
                return replace(self, first_utc_us=None, end_utc_us=None)
            case "road":
                return replace(self, road=None)
            case "excluded":
                return replace(self, excluded=True)
            case "replayed":
                return replace(self, replayed=True)
            case "excluded_shown":
                return replace(self, excluded=False)
            case "replayed_shown":
                return replace(self, replayed=False)
        return self.choosing(name, ())

    def text(self) -> str:
        """Return the line that :func:`filters_from` reads."""
        pairs = [(name, word) for name in CHOICE_FIELDS for word in self.choices.get(name, ())]
        if self.first_utc_us is not None:
            pairs.append(("from", str(self.first_utc_us)))
        if self.end_utc_us is not None:
            pairs.append(("to", str(self.end_utc_us)))
        if self.road is not None:
            road = self.road
            pairs.append(("road", f"{road.highway_ref}:{road.from_m:.0f}-{road.to_m:.0f}"))
        pairs += [(name, "shown") for name in (EXCLUDED, REPLAYED) if getattr(self, name)]
        return urlencode(pairs, safe=":")


def filters_from(text: str) -> Filters:
    """Return the filters of a line. Raises ``KnownError`` where it is none."""
    choices: dict[str, tuple[str, ...]] = {}
    rest: dict[str, object] = {}
    try:
        for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
            if name in CHOICE_FIELDS:
                choices[name] = (*choices.get(name, ()), value)
            elif name in ("from", "to"):
                rest["first_utc_us" if name == "from" else "end_utc_us"] = int(value)
            elif name == ROAD:
                highway_ref, _, metres = value.rpartition(":")
                low, _, high = metres.partition("-")
                rest[ROAD] = RoadRange(highway_ref, float(low), float(high))
            elif name in (EXCLUDED, REPLAYED):
                rest[name] = True
            else:
                raise ValueError(name)
    except ValueError as error:
        raise KnownError("gui.wb_bad_view", text=text) from error
    return Filters(choices=choices, **rest)  # type: ignore[arg-type]  # names and kinds are above


@dataclass(frozen=True)
class Marked:
    """What annotations say of the rows: left out, and the tags of some tests by row."""

    excluded_tests: Bools
    excluded_samples: Bools
    tags: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
class Kept:
    """What one predicate keeps. ``words``: those chosen, for the chip."""

    name: str
    words: tuple[str, ...]
    tests: Bools
    samples: Bools


def kept_by(facts: Facts, marked: Marked, filters: Filters) -> list[Kept]:
    """Return each predicate with what it keeps. What only tests have, such as a result, keeps the
    seconds of the tests it keeps."""
    kept = [
        _choice(facts, marked, name, filters.choices[name])
        for name in CHOICE_FIELDS
        if name in filters.choices
    ]
    if filters.first_utc_us is not None or filters.end_utc_us is not None:
        kept.append(
            Kept(TIME, (), _in_time(facts.tests, filters), _in_time(facts.samples, filters))
        )
    if filters.road is not None:
        road = filters.road
        kept.append(Kept(ROAD, (), on_road(facts.tests, road), on_road(facts.samples, road)))
    if not filters.excluded and (marked.excluded_tests.any() or marked.excluded_samples.any()):
        kept.append(Kept(EXCLUDED, (), ~marked.excluded_tests, ~marked.excluded_samples))
    if not filters.replayed and (facts.tests.replayed.any() or facts.samples.replayed.any()):
        kept.append(Kept(REPLAYED, (), ~facts.tests.replayed, ~facts.samples.replayed))
    return kept


def _choice(facts: Facts, marked: Marked, name: str, words: tuple[str, ...]) -> Kept:
    if name == TAG:
        tests = np.zeros(len(facts.tests), bool)
        for row, tags in marked.tags.items():
            tests[row] = any(tag in words for tag in tags)
        if "" in words:
            tests |= ~np.isin(np.arange(len(tests)), list(marked.tags))
    else:
        tests = facts.tests.fields[name].among(words)
    if name in OF_TESTS_ONLY:
        return Kept(name, words, tests, facts.seconds_of(tests))
    return Kept(name, words, tests, facts.samples.fields[name].among(words))


def _in_time(rows: Rows, filters: Filters) -> Bools:
    inside = np.ones(len(rows), bool)
    if filters.first_utc_us is not None:
        inside &= rows.utc_us >= filters.first_utc_us
    if filters.end_utc_us is not None:
        inside &= rows.utc_us < filters.end_utc_us
    return inside


def on_road(rows: Rows, road: RoadRange) -> Bools:
    """Return which rows lie on a stretch of highway."""
    inside = (rows.chainage_m >= road.from_m) & (rows.chainage_m < road.to_m)
    return inside & rows.fields["highway_ref"].is_word(road.highway_ref)


def at_place(rows: Rows, place: RoadRange | str) -> Bools:
    """Return which rows lie on a stretch, or in the settlement of an id."""
    if isinstance(place, RoadRange):
        return on_road(rows, place)
    return rows.fields["settlement_id"].is_word(place)
