"""The tables under the map: tests, places, targets, the plan. A row is a way to go there.

A row of the tests is the measurement looked at; a row of the places selects what was measured
there. Keys do the same as the mouse.
"""

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from fieldsurvey.analysis.board_row import BoardRow
from fieldsurvey.gui.theme import Look
from fieldsurvey.gui.workbench.board_columns import board_columns, board_frame
from fieldsurvey.gui.workbench.filters import RoadRange, at_place
from fieldsurvey.gui.workbench.judged import LENGTHS_M, Judged
from fieldsurvey.gui.workbench.plan_columns import CREWS
from fieldsurvey.gui.workbench.plan_page import PlanPage
from fieldsurvey.gui.workbench.selection import Brush, Changed, SelectionModel, Spot
from fieldsurvey.gui.workbench.table import Table
from fieldsurvey.gui.workbench.table_columns import (
    SETTLEMENTS,
    STRETCHES,
    TEST_FRAME,
    test_columns,
)
from fieldsurvey.gui.workbench.table_model import Row
from fieldsurvey.gui.workbench.when_seen import SaidTable


class Tables(QWidget):
    """Signals:
    place_chosen(kind, row, brush): a stretch or settlement, and what was measured there.
    length_chosen(m): stretches of this length are asked for.
    """

    place_chosen = Signal(str, object, object)
    length_chosen = Signal(int)

    def __init__(self, model: SelectionModel) -> None:
        super().__init__()
        self._model = model
        self._look: Look | None = None
        self._judged: Judged | None = None
        self.tests = Table(test_columns(model.notes.of))
        self.stretches, self.settlements = Table(STRETCHES), Table(SETTLEMENTS)
        self.length = QComboBox()
        # Another language has longer words than the one it is first seen in.
        self.length.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self._pages: list[tuple[Table | SaidTable, str]] = []
        self.targets = Table(board_columns(self._promise))
        self.plan, self.crews = PlanPage(), SaidTable(Table(CREWS))
        for name in ("tests", "stretches", "settlements", "targets", "plan", "crews"):
            self._add_page(getattr(self, name), name)
        self.tabs.setCornerWidget(self.length)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)
        self.tests.gone_to.connect(self._look_at)
        self.tests.marked.connect(self._brush_lines)
        for table, kind in ((self.stretches, "stretch"), (self.settlements, "settlement")):
            table.gone_to.connect(lambda line, kind=kind: self._go_to(kind, line))
        self.length.currentIndexChanged.connect(
            lambda number: self.length_chosen.emit(LENGTHS_M[max(0, number)])
        )
        self.tabs.currentChanged.connect(self._show_length)
        model.listen(self._note_change)

    def _promise(self, number: int) -> BoardRow:
        assert self._judged is not None
        return self._judged.board[number]

    def _add_page(self, page: Table | SaidTable, name: str) -> None:
        """Add a table under the text ``wb_table_<name>``."""
        self._pages.append((page, name))
        self.tabs.addTab(page, "")

    def set_look(self, look: Look) -> None:
        self._look = look
        texts = look.texts
        self.tabs.setAccessibleName(texts.tr("wb_tables"))
        for page, name in self._pages:
            table = page.table if isinstance(page, SaidTable) else page
            table.setAccessibleName(texts.tr(f"wb_table_{name}"))
        chosen = max(0, self.length.currentIndex())
        self.length.blockSignals(True)
        self.length.clear()
        for length_m in LENGTHS_M:
            said = (
                texts.tr("length_km", n=texts.number(length_m / 1000))
                if length_m >= 1000
                else texts.tr("length_m", n=texts.number(length_m))
            )
            word = "wb_length_judged" if length_m == LENGTHS_M[0] else "wb_length_shown"
            self.length.addItem(texts.tr(word, length=said))
        self.length.setCurrentIndex(chosen)
        self.length.blockSignals(False)
        self.length.setAccessibleName(texts.tr("wb_length_choice"))
        for page, _name in self._pages:
            page.set_look(look)
        for number, (_page, name) in enumerate(self._pages):
            self.tabs.setTabToolTip(number, texts.tr(f"wb_tab_{name}"))
        self._name_tabs()
        self._show_length()

    def _name_tabs(self) -> None:
        if self._look is None:
            return
        texts = self._look.texts
        for number, (page, name) in enumerate(self._pages):
            count = f" · {texts.number(page.rows.rowCount())}" if isinstance(page, Table) else ""
            words = texts.tr(f"wb_table_{name}") + count
            if words != self.tabs.tabText(number):  # Qt would lay all of it out anew
                self.tabs.setTabText(number, words)

    def _show_length(self) -> None:
        self.length.setVisible(self.tabs.currentWidget() is self.stretches)

    # Following

    def _note_change(self, changed: Changed) -> None:
        if changed & Changed.DATA:
            self._show_tests(anew=True)
        elif changed & Changed.SELECTION:
            self._show_tests(anew=False)
        if changed & Changed.NOTES:
            self.tests.rows.forget_rows()
            self.tests.fit_last()  # notes
        if changed & (Changed.SPOT | Changed.SELECTION):
            self._follow_spot()

    def _show_tests(self, *, anew: bool) -> None:
        order = np.flatnonzero(self._model.listed_tests)
        chosen = set(self.tests.chosen_lines())
        if not anew and len(chosen) > 1 and self._model.brush is not None:
            return  # they were marked in this very table, which goes on showing the others
        was_empty = not self.tests.rows.rowCount()
        before = self._line_of_spot()
        if anew:
            self.tests.rows.show_frame(self._model.measurements.tests.select(TEST_FRAME), order)
        else:
            self.tests.rows.show_order(order)
        if anew or was_empty:
            self.tests.fit_columns()
        elif before is not None and self._line_of_spot() is None:
            self.tests.stand_before(before)
        self._name_tabs()

    def _line_of_spot(self) -> int | None:
        spot = self._model.spot
        return self.tests.rows.line_of(spot.row) if spot is not None and spot.is_test else None

    def _follow_spot(self) -> None:
        if len(self.tests.chosen_lines()) > 1:
            return
        line = self._line_of_spot()
        if line is not None or self.tests.chosen_lines():
            self.tests.follow(line)

    def show_judged(self, judged: Judged) -> None:
        """Show the verdicts of places."""
        self._judged = judged
        for table, frame in (
            (self.stretches, judged.stretches),
            (self.settlements, judged.settlements),
            (self.targets, board_frame(judged.board)),
        ):
            anew = not table.rows.rowCount()
            table.follow(None)
            table.rows.show_frame(frame, np.arange(len(frame)))
            if anew:
                table.fit_columns()
        self._name_tabs()

    # Going

    def _look_at(self, line: int) -> None:
        self._model.look_at(Spot(True, int(self.tests.rows.order[line])))

    def _brush_lines(self, lines: list[int]) -> None:
        tests = np.zeros(len(self._model.tests), bool)
        tests[self.tests.rows.order[lines]] = True
        self._model.brush_tests(tests)

    def _go_to(self, kind: str, line: int) -> None:
        table = self.stretches if kind == "stretch" else self.settlements
        row = table.rows.row_at(line)
        self.place_chosen.emit(kind, row, self._place_brush(row))

    def _place_brush(self, row: Row) -> Brush:
        """Return what was measured at a place, by its operator."""
        facts = self._model.facts
        rows = (facts.tests, facts.samples)
        place = (
            RoadRange(row["highway_ref"], row["from_m"], row["to_m"])
            if "from_m" in row
            else row["settlement_id"]
        )
        there = [at_place(part, place) for part in rows]
        operator = row["operator"] or ""
        tests, samples = (
            mask & part.fields["operator"].is_word(operator)
            for mask, part in zip(there, rows, strict=True)
        )
        return Brush(tests, samples)

    def go_to_stretch(self, row: int) -> None:
        """Go to a row of the table of stretches, as a click in the table does."""
        line = self.stretches.rows.line_of(row)
        if line is not None:
            self.tabs.setCurrentWidget(self.stretches)
            self.stretches.follow(line)
            self._go_to("stretch", line)

    def leave_places(self) -> None:
        """No place is looked at any more."""
        self.stretches.follow(None)
        self.settlements.follow(None)

    def current(self) -> Table | None:
        """Return the table that is seen."""
        page = self.tabs.currentWidget()
        table = page.table if isinstance(page, SaidTable) else page
        return table if isinstance(table, Table) else None

    def focus_part(self) -> QWidget:
        """Return what takes the keyboard for all of this."""
        return self.tabs.currentWidget()
