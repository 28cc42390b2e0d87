"""The one selection that map, charts, tables, counts, exports and reports share.

What is selected is what the filters keep and the brush, where there is one, covers. Views are told
what has changed and read the masks; none keeps a selection of its own. Must not import Qt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Flag, auto
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from fieldsurvey.gui.workbench.annotations import Annotations, second_key
from fieldsurvey.gui.workbench.facts import Bools, Facts
from fieldsurvey.gui.workbench.filters import (
    EXCLUDED,
    OF_PLACES,
    OF_TESTS_ONLY,
    Filters,
    Kept,
    Marked,
    kept_by,
)

if TYPE_CHECKING:
    import polars as pl

    from fieldsurvey.analysis.measurements import Measurements


class Changed(Flag):
    """What is different. FILTER comes with a new selection as well."""

    DATA = auto()
    FILTER = auto()
    SELECTION = auto()
    SPOT = auto()
    NOTES = auto()


@dataclass(frozen=True, slots=True)
class Spot:
    """The one measurement that is looked at: a row of the tests, or of the seconds."""

    is_test: bool
    row: int


@dataclass(frozen=True)
class Brush:
    """What was marked by hand in a view; the masks cover all rows. ``of_tests``: tests alone were
    marked, and the seconds are those that they lasted: these choose no place."""

    tests: Bools
    samples: Bools
    of_tests: bool = False


def _all_of(brushes: Sequence[Brush]) -> Brush | None:
    """Return what lies in each of them."""
    if not brushes:
        return None
    tests, samples = ([getattr(one, rows) for one in brushes] for rows in ("tests", "samples"))
    return Brush(np.logical_and.reduce(tests), np.logical_and.reduce(samples))


Listener = Callable[[Changed], None]


class SelectionModel:
    """Attributes:
    measurements, facts: what is open.
    filters, kept: the predicates, and what each keeps by itself.
    filtered_tests, filtered_samples: what all of them keep.
    evidence_tests, evidence_samples: what places are judged by. No filter by result narrows it, or
    a place would be what was looked for; nor one that chooses places.
    left_out_tests: what would be evidence, had it not been left out by hand.
    places: what filters chose of places; marked: what they and a brush did. None for all.
    tests, samples: what is selected. What was left out by hand is never among it.
    listed_tests: these, and with them what was left out where that is to be seen.
    within_filters: the tests that all of them would keep, were none left out by hand.
    brush: marked by hand, None where nothing is.
    spot: what is looked at.
    """

    def __init__(self, measurements: Measurements, facts: Facts, notes: Annotations) -> None:
        self._listeners: list[Listener] = []
        self.notes = notes
        self.filters = Filters()
        self._take(measurements, facts)

    def _take(self, measurements: Measurements, facts: Facts) -> None:
        self.measurements, self.facts = measurements, facts
        self.brush: Brush | None = None
        self.spot: Spot | None = None
        self._marked = self._marks()
        self._filter()

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of every change, after it has happened."""
        self._listeners.append(listener)

    def _tell(self, changed: Changed) -> None:
        for listener in self._listeners:
            listener(changed)

    def open(self, measurements: Measurements, facts: Facts) -> None:
        """Show other measurements. The filters stay: they are words, not rows."""
        self._take(measurements, facts)
        self._tell(~Changed(0))

    def set_filters(self, filters: Filters) -> None:
        self.filters = filters
        self._filter()
        self._tell(Changed.FILTER | Changed.SELECTION)

    def set_brush(self, brush: Brush | None) -> None:
        """Select by hand. A brush lies within the filters: they stay."""
        if brush is None and self.brush is None:
            return
        self.brush = brush
        self._select()
        self._tell(Changed.SELECTION)

    def brush_tests(self, tests: Bools) -> None:
        """Select some tests and the seconds they lasted."""
        self.set_brush(Brush(tests, self.facts.seconds_of(tests), of_tests=True))

    def look_at(self, spot: Spot | None) -> None:
        if spot != self.spot:
            self.spot = spot
            self._tell(Changed.SPOT)

    @property
    def marked_spot(self) -> Spot | None:
        """Return what is looked at for views to mark. A test that was left out and is in no table
        is not marked; once it is counted again, it is."""
        spot = self.spot
        if spot is not None and spot.is_test:
            out_of_sight = self.excluded_tests[spot.row] and not self.listed_tests[spot.row]
            return None if out_of_sight else spot
        return spot

    def notes_changed(self) -> None:
        """Annotations were made, or taken back."""
        self._marked = self._marks()
        marked = self._marked
        if not (marked.excluded_tests.any() or marked.excluded_samples.any()):
            # No chip tells of it any more: what is left out next would stay in sight unasked.
            self.filters = replace(self.filters, excluded=False)
        self._filter()
        self._tell(Changed.NOTES | Changed.FILTER | Changed.SELECTION)

    @property
    def tests_count(self) -> int:
        return int(np.count_nonzero(self.tests))

    @property
    def samples_count(self) -> int:
        return int(np.count_nonzero(self.samples))

    @property
    def is_open(self) -> bool:
        """True where there is anything at all."""
        return bool(len(self.facts.tests) or len(self.facts.samples))

    @property
    def only_replayed(self) -> bool:
        """True where something is open, and all of it is of replayed drives."""
        rows = (self.facts.tests, self.facts.samples)
        return any(len(part) for part in rows) and all(part.replayed.all() for part in rows)

    def place_of(self, spot: Spot) -> tuple[float, float] | None:
        """Return latitude and longitude in degrees, None where they are not known."""
        rows = self.facts.tests if spot.is_test else self.facts.samples
        latitude, longitude = rows.latitude_deg[spot.row], rows.longitude_deg[spot.row]
        return None if np.isnan(latitude + longitude) else (float(latitude), float(longitude))

    def key_of(self, spot: Spot) -> str:
        """Return the key that annotations know it by."""
        tables = self.measurements
        if spot.is_test:
            return str(tables.tests["test_id"][spot.row])
        drive = tables.samples["drive"][spot.row]
        return second_key(tables.drives["drive_id"][drive], tables.samples["utc_us"][spot.row])

    def test_keys(self, tests: Bools) -> list[str]:
        """Return the keys of the tests of a mask."""
        return self.measurements.tests["test_id"].filter(tests).to_list()

    def _marks(self) -> Marked:
        tables, notes = self.measurements, self.notes
        test_ids = tables.tests["test_id"]
        excluded = notes.excluded()
        seconds = [key.rpartition("@") for key in excluded if "@" in key]
        samples = np.zeros(len(tables.samples), bool)
        drive_ids = tables.drives["drive_id"]
        for drive_id, _, utc_us in seconds:
            if not utc_us.isdecimal():
                continue  # without a time, as we once wrote it
            # Several: a drive that is in two sources has a row of each.
            drives = (drive_ids == drive_id).arg_true().to_numpy()
            if len(drives):
                mine = np.isin(self.facts.samples.drive, drives)
                samples |= mine & (self.facts.samples.utc_us == int(utc_us))
        tagged = notes.tagged()
        return Marked(
            among(test_ids, excluded),
            samples,
            {
                int(row): tagged[test_ids[int(row)]]
                for row in np.flatnonzero(among(test_ids, tagged))
            },
        )

    def tag_counts(self) -> dict[str, int]:
        """Return the tags in use with their numbers of tests."""
        return dict(sorted(Counter(chain.from_iterable(self._marked.tags.values())).items()))

    @property
    def excluded_tests(self) -> Bools:
        return self._marked.excluded_tests

    def _filter(self) -> None:
        self.kept: list[Kept] = kept_by(self.facts, self._marked, self.filters)
        tests = np.ones(len(self.facts.tests), bool)
        samples = ~self._marked.excluded_samples
        self.within_filters = tests.copy()
        evidence_tests, evidence_samples = np.ones(len(tests), bool), samples.copy()
        for kept in self.kept:
            tests &= kept.tests
            samples &= kept.samples
            if kept.name == EXCLUDED:
                continue
            self.within_filters &= kept.tests
            if kept.name not in (*OF_TESTS_ONLY, *OF_PLACES):
                evidence_tests &= kept.tests
                evidence_samples &= kept.samples
        self._filtered_or_left_out = tests
        self.filtered_tests, self.filtered_samples = tests & ~self._marked.excluded_tests, samples
        self.evidence_tests = evidence_tests & ~self._marked.excluded_tests
        self.left_out_tests = evidence_tests & self._marked.excluded_tests
        self.evidence_samples = evidence_samples
        self._chosen = [
            Brush(kept.tests, kept.samples) for kept in self.kept if kept.name in OF_PLACES
        ]
        self._select()

    def _select(self) -> None:
        brush, listed = self.brush, self._filtered_or_left_out
        self.tests, self.samples = self.filtered_tests, self.filtered_samples
        if brush is not None:
            self.tests, self.samples = self.tests & brush.tests, self.samples & brush.samples
            listed = listed & brush.tests
        self.listed_tests = listed
        by_hand = [] if brush is None else [brush]
        self.places = _all_of(self._chosen)
        self.marked = _all_of([*self._chosen, *by_hand])

    @property
    def is_of_some_results(self) -> bool:
        """True where tests are chosen by how they came about or came out: no share is told then."""
        return any(kept.name in OF_TESTS_ONLY for kept in self.kept)

    def offered_tests(self) -> Bools:
        """Return the evidence in the places that filters chose, whatever is marked of it."""
        if self.places is None:
            return self.evidence_tests
        return self.evidence_tests & self.places.tests

    def compared(self) -> tuple[Bools, Bools]:
        """Return the tests and seconds by which what is selected is compared with each other."""
        if self.marked is None:
            return self.evidence_tests, self.evidence_samples
        return self.evidence_tests & self.marked.tests, self.evidence_samples & self.marked.samples

    def selected(self) -> Measurements:
        """Return what is selected as tables: what is exported."""
        return rows_of(self.measurements, self.tests, self.samples)


def rows_of(tables: Measurements, tests: Bools, samples: Bools) -> Measurements:
    """Return some of the rows; all of the drives stay, so that ``drive`` still holds."""
    import polars as pl

    return replace(
        tables,
        samples=tables.samples.filter(pl.Series(samples)),
        tests=tables.tests.filter(pl.Series(tests)),
    )


def among(keys: pl.Series, wanted: Iterable[str]) -> Bools:
    """Return which keys are wanted."""
    import polars as pl

    return keys.is_in(pl.Series(list(wanted), dtype=pl.String).implode()).to_numpy()
