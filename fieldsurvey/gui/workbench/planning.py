"""Keeps what to drive next, and what the crews got done, up to date with the selection.

A row that is gone to is marked in map and charts as any other; the plan stays that of all its rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.filters import RoadRange, at_place
from fieldsurvey.gui.workbench.jobs import Cancelled, Jobs
from fieldsurvey.gui.workbench.judged import box_of
from fieldsurvey.gui.workbench.plan_page import PlanPage
from fieldsurvey.gui.workbench.planned import Planned, Subject, crews, planned
from fieldsurvey.gui.workbench.saying import spoken
from fieldsurvey.gui.workbench.selection import Brush, Changed, SelectionModel
from fieldsurvey.gui.workbench.when_seen import SaidTable, WhenSeen
from fieldsurvey.model.messages import Message, message
from fieldsurvey.places.places_file import Places

Box = tuple[float, float, float, float]  # south, west, north, east
Point = tuple[float, float]  # latitude and longitude in degrees


class Planning:
    """Attributes:
    on_going: called with the box of a row that is gone to.
    on_route: called with the points of each place of the route while its table is seen, else with
    none.
    """

    def __init__(
        self,
        model: SelectionModel,
        jobs: Jobs,
        plan_page: PlanPage,
        crews_page: SaidTable,
        now_utc_us: Callable[[], int],
        places: Callable[[], Places | None],
    ) -> None:
        self._model, self._now_utc_us, self._places = model, now_utc_us, places
        self._plan_page, self._crews_page = plan_page, crews_page
        self._look: Look | None = None
        self._marked: Brush | None = None  # by hand, elsewhere
        self._own_brush: Brush | None = None  # the row that was gone to
        self._plan = WhenSeen(
            plan_page, jobs, "plan", self._begin_plan, self._show_plan, self._label
        )
        self._crews = WhenSeen(crews_page, jobs, "crews", self._begin_crews, self._show_crews)
        self.on_going: Callable[[Box], None] = lambda _box: None
        self.on_route: Callable[[Sequence[Sequence[Point]]], None] = lambda _legs: None
        for signal in (plan_page.shown, plan_page.left):
            signal.connect(self._show_route)
        plan_page.table.gone_to.connect(self._go_to)
        plan_page.asked_otherwise.connect(self._plan.forget)
        model.listen(self._note_change)

    def subject(self) -> Subject:
        """Return what is selected at present, for a worker."""
        model = self._model
        return Subject(
            model.measurements,
            model.evidence_tests,
            model.evidence_samples,
            model.filters,
            self._marked,
            self._places(),
            self._now_utc_us(),
            settlements=self._plan_page.with_settlements.isChecked(),
            start=self._plan_page.start_point,
            most_km=self._plan_page.most_km,
        )

    def _begin_plan(self) -> Callable[[Cancelled], Planned]:
        if self._look is not None:
            self._plan_page.said.setText(self._look.texts.tr("wb_planning"))
        return partial(planned, self.subject())

    def _label(self) -> Message | None:
        """Highways alone take no time worth a word."""
        takes_long = self._plan_page.with_settlements.isChecked()
        return message("gui.wb_planning") if takes_long else None

    def _begin_crews(self) -> Callable[[Cancelled], pl.DataFrame]:
        # What they got done is counted of what is selected, be it a row of the plan.
        return partial(crews, replace(self.subject(), brush=self._model.marked))

    def give_plan(self, then: Callable[[Planned], None], failed: Callable[[Message], None]) -> None:
        """Call ``then`` with the route of what is selected, now or when it is made."""
        self._plan.give(then, failed)

    def forget(self) -> None:
        """Something that the tables are made of has changed."""
        self._plan.forget()
        self._crews.forget()

    def _note_change(self, changed: Changed) -> None:
        if changed & Changed.DATA:
            self._marked = self._own_brush = None
        if changed & (Changed.DATA | Changed.FILTER):
            self.forget()
        elif changed & Changed.SELECTION:
            self._crews.forget()
            self._note_brush(self._model.brush)

    def _note_brush(self, brush: Brush | None) -> None:
        if brush is not None and brush is self._own_brush:
            return
        self._plan_page.table.follow(None)
        if brush is not self._marked:
            self._marked = brush
            self._plan.forget()

    # Showing

    def set_look(self, look: Look) -> None:
        self._look = look
        self._say()

    def _show_plan(self) -> None:
        made = self._plan.made
        _show(self._plan_page, None if made is None else made.legs)
        self._say()
        self._show_route()

    def _show_route(self) -> None:
        made = self._plan.made if self._plan_page.isVisible() else None
        self.on_route([] if made is None else [leg.points for leg in made.route.legs])

    def _show_crews(self) -> None:
        _show(self._crews_page, self._crews.made)
        self._say()

    def _say(self) -> None:
        if self._look is None:
            return
        texts, made = self._look.texts, self._plan.made
        said = _words(texts, self._plan.told)
        doubts = ""
        if made is not None:
            said = ". ".join(spoken(texts, one) for one in made.said) + "."
            doubts = "\n".join(map(texts.say, made.doubts))
        if self._model.filters.replayed:
            said = f"{said} {texts.tr('wb_plan_replays')}".lstrip()
        self._plan_page.said.setText(said)
        self._plan_page.said.setToolTip(doubts)
        self._plan_page.said.setAccessibleDescription(doubts)
        self._crews_page.said.setText(_words(texts, self._crews.told) or texts.tr("wb_crews_said"))

    # Going

    def _go_to(self, line: int) -> None:
        made = self._plan.made
        assert made is not None
        row = self._plan_page.table.rows.row_at(line)
        place = (
            row["settlement_id"]
            if row["from_m"] is None
            else RoadRange(row["highway_ref"], row["from_m"], row["to_m"])
        )
        facts = self._model.facts
        self._own_brush = Brush(at_place(facts.tests, place), at_place(facts.samples, place))
        self._model.set_brush(self._own_brush)
        lack = made.route.legs[row["number"] - 1].lack
        latitude_deg, longitude_deg = np.transpose([lack.start, lack.end])
        box = box_of(latitude_deg, longitude_deg)
        if box is not None:
            self.on_going(box)


def _words(texts: Texts, told: Message | None) -> str:
    return "" if told is None else texts.say(told)


def _show(page: SaidTable, frame: pl.DataFrame | None) -> None:
    rows, anew = page.table.rows, not page.table.rows.rowCount()
    frame = pl.DataFrame() if frame is None else frame
    page.table.follow(None)
    rows.show_frame(frame, np.arange(len(frame)))
    if anew:
        page.table.fit_columns()
