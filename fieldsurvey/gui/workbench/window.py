"""The workbench: one selection of measurements in a map, charts and tables, and its verdict.

Puts the parts together and carries actions out. Must not compute anything that takes longer than a
frame: opening, judging, exporting are jobs.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from fieldsurvey.analysis.measurements import nothing
from fieldsurvey.gui.map_view import degrees_of
from fieldsurvey.gui.texts import QtTexts, Texts, chosen_language
from fieldsurvey.gui.theme import DAY, NIGHT, Look
from fieldsurvey.gui.workbench import desk
from fieldsurvey.gui.workbench.actions import Do, Needs, action
from fieldsurvey.gui.workbench.annotations import Annotations
from fieldsurvey.gui.workbench.charts import Charts
from fieldsurvey.gui.workbench.chips import FilterBar
from fieldsurvey.gui.workbench.desk_palette import desk_palette
from fieldsurvey.gui.workbench.editing import Editing
from fieldsurvey.gui.workbench.facts import facts_of
from fieldsurvey.gui.workbench.files import Files
from fieldsurvey.gui.workbench.filtering import Filtering
from fieldsurvey.gui.workbench.finder import Answer, Finder
from fieldsurvey.gui.workbench.help_sheet import open_help
from fieldsurvey.gui.workbench.jobs import Jobs
from fieldsurvey.gui.workbench.judged import Judged
from fieldsurvey.gui.workbench.judging import Judging
from fieldsurvey.gui.workbench.map_pane import MapPane
from fieldsurvey.gui.workbench.menus import Menus
from fieldsurvey.gui.workbench.panels import Panels
from fieldsurvey.gui.workbench.planned import Planned
from fieldsurvey.gui.workbench.planning import Planning
from fieldsurvey.gui.workbench.printing import Page, print_page
from fieldsurvey.gui.workbench.route_start import start_answers
from fieldsurvey.gui.workbench.saying import counts_line, spoken
from fieldsurvey.gui.workbench.selection import Brush, Changed, SelectionModel
from fieldsurvey.gui.workbench.settings import Settings
from fieldsurvey.gui.workbench.status_line import NoticeBar, StatusLine
from fieldsurvey.gui.workbench.table_model import Row
from fieldsurvey.gui.workbench.tables import Tables
from fieldsurvey.gui.workbench.welcome import Welcome
from fieldsurvey.gui.workbench.words import clock
from fieldsurvey.gui.workbench_map.place_search import FoundPlace
from fieldsurvey.gui.workbench_map.workbench_map import WorkbenchMap
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message

_SMALLEST = (500, 280)
_DEFAULT_TARGET_BPS = 100_000_000  # of the axes, until a target file or a test says better


class WorkbenchWindow(QMainWindow):
    """Attributes:
    model: the selection.
    jobs: what is going on besides.
    was_restored: it has the place and size it had before.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        notes: Annotations,
        now_utc_us: Callable[[], int],
        places_path: Path,
        language: str | None = None,
        basemap: Path | None = None,
    ) -> None:
        super().__init__()
        self._settings, self._now_utc_us = settings, now_utc_us
        self._qt_texts = QtTexts()
        texts = Texts(chosen_language(settings.word("language") or language))
        is_night = settings.word("theme") == NIGHT.name
        self._look = Look(NIGHT if is_night else DAY, texts)
        self._palette_before = QApplication.palette()
        empty = nothing()
        self.model = SelectionModel(empty, facts_of(empty, _DEFAULT_TARGET_BPS), notes)
        self.jobs = Jobs(self)
        self._known_places: desk.KnownPlaces | None = None
        self.on_first_paint: Callable[[], None] | None = None
        self._build(places_path, basemap)
        self.model.listen(self._note_change)
        self._apply_look()
        self._restore()
        if notes.trouble is not None:
            self.tell(notes.trouble.message)

    # Building

    def _build(self, places_path: Path, basemap: Path | None) -> None:
        self.setAcceptDrops(True)
        self.setMinimumSize(*_SMALLEST)
        self.notice, self.status = NoticeBar(), StatusLine()
        self.chips = FilterBar(self.model)
        self.map = WorkbenchMap()
        self.map.set_basemap(basemap)
        self.pane = MapPane(self.model, self.map)
        self.charts = Charts(self.model, self.jobs)
        self.tables = Tables(self.model)
        self.panels = Panels(self.map, self.charts, self.tables)
        self.files = Files(self, self.model, self.jobs, self._settings, places_path, self.tell)
        self.files.target_bps = _DEFAULT_TARGET_BPS
        self.files.on_opened = self._opened
        self.files.on_places = self._places_imported
        self.judging = Judging(self.model, self.jobs, self._now_utc_us, lambda: self.files.places)
        self.judging.on_judged = self._show_judged
        self.planning = Planning(
            self.model, self.jobs, self.tables.plan, self.tables.crews, self._now_utc_us,
            lambda: self.files.places,
        )  # fmt: skip
        self.filtering = Filtering(self, self.model, self._settings, self.tell)
        self.editing = Editing(self, self.model, self.tell)
        self.welcome = Welcome(self._settings, self.do, self._open_recent)
        self.menus = Menus(
            self, self._settings, self.do, self._open_recent, self.filtering.take_view
        )
        work = QWidget()
        column = QVBoxLayout(work)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.chips)
        column.addWidget(self.panels, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(work)
        body = QWidget()
        rows = QVBoxLayout(body)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.notice)
        rows.addWidget(self.pages, 1)
        rows.addWidget(self.status)
        self.setCentralWidget(body)
        self.finder = Finder(body)
        self._connect()

    def _connect(self) -> None:
        self.jobs.failed.connect(self.tell)
        self.jobs.progress.connect(self.status.show_progress)
        self.status.cancel_asked.connect(self.jobs.cancel)
        self.notice.button.clicked.connect(self._show_replays)
        self.tables.place_chosen.connect(self._look_at_place)
        self.tables.length_chosen.connect(self.judging.choose_length)
        self.map.stretch_clicked.connect(self.tables.go_to_stretch)
        self.tables.plan.save_asked.connect(lambda: self.do(Do.SAVE_PLAN))
        self.tables.plan.start_asked.connect(self._ask_start)
        self.tables.plan.start_taken.connect(self.map.set_start)
        self.planning.on_going = lambda box: self.map.show_box(*box)
        self.planning.on_route = self.map.set_route
        self.chips.time_asked.connect(lambda: self.filtering.ask_time(self._look.texts))
        self.chips.road_asked.connect(lambda: self.filtering.ask_road(self._look.texts))
        stack = self.editing.annotating.stack
        stack.canUndoChanged.connect(lambda _can: self._enable())
        stack.canRedoChanged.connect(lambda _can: self._enable())

    # Opening

    def open(self, paths: Sequence[Path]) -> None:
        """Open survey files or archives instead of what is open."""
        if paths:
            self.files.open(paths)

    def open_first(self, paths: Sequence[Path]) -> None:
        """Open these once the places are read. Who could not wait and has opened others keeps
        those: they are opened once more, as they lie in the places."""
        self.open(self.files.asked or paths)

    def read_places(self, then: Callable[[], None] | None = None) -> None:
        """Read highways and settlements for the map and the search; ``then`` is called after it,
        whether they could be read or not."""
        path = self.files.places_path

        def take(known: desk.KnownPlaces) -> None:
            self._known_places = known
            self.files.places = known.places
            self.map.set_features(known.features)
            self.planning.forget()
            if then is not None:
                then()

        def fail(told: Message) -> None:
            self.tell(told)
            if then is not None:
                then()

        self.jobs.run(
            "places", lambda _progress, _cancelled: desk.read_places(path), take, failed=fail
        )

    def _places_imported(self, told: Message) -> None:
        """Go by the new places: what is open is opened once more, as it lies in them."""

        def then() -> None:
            if self.files.asked:
                self.files.open(self.files.asked, told)

        self.tell(told)
        self.read_places(then)

    def _open_recent(self, path: str) -> None:
        self.open([Path(path)])

    def _opened(self) -> Message | None:
        """Show what was opened; return what is to be told of it."""
        self.pages.setCurrentIndex(1)
        self.notice.button.setVisible(self.model.only_replayed)
        self.notice.withdraw("gui.wb_only_replays", "gui.wb_replays_shown")
        self._title()
        self.map.setFocus()
        if not self.model.only_replayed:
            return None
        count = self._look.texts.number(len(self.model.tests))
        return message("gui.wb_only_replays", tests=count)

    def _show_replays(self) -> None:
        self.notice.button.hide()
        self.model.set_filters(self.model.filters.without("replayed"))
        self.tell(message("gui.wb_replays_shown"))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        urls = event.mimeData().urls()
        self.files.take_dropped(
            [Path(url.toLocalFile()) for url in urls if url.isLocalFile()], self._look.texts
        )
        event.acceptProposedAction()

    # Following the selection

    def _note_change(self, changed: Changed) -> None:
        if changed & Changed.SELECTION and self.judging.place is None:
            self.tables.leave_places()
        if changed & (Changed.SELECTION | Changed.NOTES):
            self._say()
        if changed & (Changed.SELECTION | Changed.SPOT):
            self.notice.withdraw("gui.wb_nothing_marked")
        if changed & Changed.DATA:
            self._enable()

    def _show_judged(self, judged: Judged) -> None:
        self.tables.show_judged(judged)
        self.pane.show_judged(judged)
        self._say()

    def _look_at_place(self, kind: str, row: Row, brush: Brush) -> None:
        self.judging.look_at(kind, row, brush)
        self.pane.zoom_to_selection()

    def _say(self) -> None:
        """Say in the status line what is selected."""
        outlook, sentence = self.judging.sentence(self._look.texts)
        counts = counts_line(self._look.texts, self.model) if self.model.is_open else ""
        self.status.say(outlook, sentence, counts)

    # Doing

    def do(self, do: Do) -> None:
        """Carry out one action of the list."""
        texts, model = self._look.texts, self.model
        match do:
            case Do.OPEN_FILES:
                self.files.ask_files(texts)
            case Do.OPEN_FOLDER:
                self.files.ask_folder(texts)
            case Do.IMPORT:
                self.files.ask_import(texts)
            case Do.PLACES:
                self.files.ask_places(texts)
            case Do.EXPORT:
                self.files.ask_export(texts, self._said_of_selection())
            case Do.REPORT:
                self.files.ask_report(texts)
            case Do.SAVE_PLAN:
                self._ask_plan()
            case Do.PRINT:
                self.files.ask_print(texts, self.print_to)
            case Do.QUIT:
                self.close()
            case Do.UNDO:
                self.editing.annotating.stack.undo()
            case Do.REDO:
                self.editing.annotating.stack.redo()
            case Do.EXCLUDE | Do.INCLUDE | Do.NOTE | Do.RETAG:
                self.editing.ask(do, texts)
            case Do.COPY:
                table = self.tables.current()
                if table is not None:
                    table.copy()
            case Do.FILTER:
                self.chips.open_menu()
            case Do.SELECT_ALL:
                model.look_at(None)
                model.set_brush(None)
            case Do.CLEAR:
                self._clear()
            case Do.ZOOM_SELECTION:
                self.pane.zoom_to_selection()
                self.charts.show_selected()
            case Do.SHOW_ALL:
                self.map.show_all()
                self.charts.current().show_all()
            case Do.SAVE_VIEW:
                self.filtering.ask_view(texts)
            case _:
                self._show(do)

    def _ask_plan(self) -> None:
        """Ask where to save the plan, once it is known what it comes to."""
        texts, subject = self._look.texts, self.planning.subject()

        def ask(planned: Planned) -> None:
            said = [asked, *(spoken(texts, one) for one in (*planned.said, *planned.doubts))]
            self.files.ask_plan(texts, subject, said)

        asked = self.tables.plan.said_of_asked()
        self.planning.give_plan(ask, self.tell)

    def _ask_start(self) -> None:
        """Ask where the plan's route begins."""
        prompt = self._look.texts.tr("wb_plan_start_prompt")
        self.finder.open(prompt, self._find_start)

    def _show(self, do: Do) -> None:
        """Carry out what only changes the looks."""
        texts = self._look.texts
        match do:
            case Do.FIND:
                self.finder.open(texts.tr("wb_find_prompt"), self._find)
            case Do.PALETTE:
                self.finder.open(texts.tr("wb_palette_prompt"), self.menus.answers)
            case Do.HELP:
                open_help(self, self._look)
            case Do.AXIS:
                self.charts.flip_axis()
            case Do.NEXT_PANEL:
                self._next_panel()
            case Do.NIGHT:
                self._look = replace(self._look, theme=DAY if self._look.theme is NIGHT else NIGHT)
                self._settings.keep_word("theme", self._look.theme.name)
                self._apply_look()
            case Do.LANGUAGE:
                self._look = replace(self._look, texts=texts.next_language())
                self._settings.keep_word("language", self._look.texts.language)
                self._apply_look()
            case _:
                self.panels.show_part(self.charts)
                self.charts.show_by_action(do)

    def _clear(self) -> None:
        """One step back: the brush, then the spot and the place that was found."""
        if self.model.brush is not None:
            self.model.set_brush(None)
        else:
            self.model.look_at(None)
            self.pane.mark_spot()

    def _next_panel(self) -> None:
        parts: list[QWidget] = [self.map, self.charts.current(), self.tables.focus_part()]
        at = self.panels.part_in_focus()
        after = 0 if at is None else (at + 1) % len(parts)
        self.panels.show_part((self.map, self.charts, self.tables)[after])
        parts[after].setFocus(Qt.FocusReason.TabFocusReason)

    def _find(self, typed: str) -> list[Answer]:
        """Return places by what is typed, with every key."""
        texts, known, view = self._look.texts, self._known_places, self.map.view
        if known is None:
            return [self._ask_for_places()]
        middle = degrees_of(view.x, view.y)
        return [
            Answer(place.label, "", partial(self._go_to_place, place))
            for place in known.search.find(typed, texts.language, near=middle)
        ]

    def _find_start(self, typed: str) -> list[Answer]:
        """Return where the plan's route may begin, with every key."""
        texts, known, view = self._look.texts, self._known_places, self.map.view
        if known is None:
            return [self._ask_for_places()]
        middle = degrees_of(view.x, view.y)
        return start_answers(texts, known.search, typed, middle, self.tables.plan.take_start)

    def _ask_for_places(self) -> Answer:
        entry = action(Do.PLACES)
        return Answer(
            self._look.texts.tr("wb_find_no_places"), entry.key, partial(self.do, Do.PLACES)
        )

    def _go_to_place(self, place: FoundPlace) -> None:
        self.panels.show_part(self.map)
        self.map.show_box(*place.box)
        self.map.set_marker(place.latitude_deg, place.longitude_deg)

    # Saying and printing

    def _said_of_selection(self) -> list[str]:
        """Return what is selected in words, for exports and prints."""
        texts = self._look.texts
        lines = [self.status.sentence.text(), counts_line(texts, self.model)]
        return [*lines, *self.chips.texts_shown()]

    def print_to(self, path: Path) -> None:
        """Print what is on screen to a PDF."""
        texts = self._look.texts
        title = ", ".join(self.model.measurements.sources) or texts.tr("title")
        foot = self.judging.foot(texts, clock(self._now_utc_us()))
        page = Page(title, self._said_of_selection(), foot)
        chart, on_paper = self.charts.current(), replace(self._look, theme=DAY)
        try:
            for part in (self.map, chart):
                part.set_look(on_paper)
            chart.catch_up()  # in a small window it may be out of sight
            print_page(path, page, self.map, chart)
        except KnownError as error:
            self.tell(error.message)
        else:
            self.tell(message("gui.wb_printed", path=path))
        finally:
            for part in (self.map, chart):
                part.set_look(self._look)

    def tell(self, told: Message) -> None:
        """Tell what happened, what was kept and what to do."""
        self.notice.tell(told)

    # Looks

    def _apply_look(self) -> None:
        look = self._look
        self._qt_texts.switch(look.texts.language)
        palette = desk_palette(look.theme)
        QApplication.setPalette(palette)
        self.setPalette(palette)
        self.menus.set_texts(look.texts)
        for part in (
            self.notice, self.chips, self.pane, self.charts, self.tables, self.planning,
            self.panels, self.status, self.welcome, self.finder,
        ):  # fmt: skip
            part.set_look(look)
        self.notice.button.setText(look.texts.tr("wb_show_replays"))
        self.notice.button.setAccessibleName(self.notice.button.text())
        self._enable()
        self._title()
        self._say()

    def _title(self) -> None:
        sources = ", ".join(self.model.measurements.sources)
        texts = self._look.texts
        self.setWindowTitle(f"{sources} — FieldSurvey" if sources else texts.tr("wb_title"))

    def _enable(self) -> None:
        stack = self.editing.annotating.stack
        available = {Needs.NOTHING}
        available |= {Needs.OPEN} if self.model.is_open else set()
        available |= {Needs.UNDO} if stack.canUndo() else set()
        available |= {Needs.REDO} if stack.canRedo() else set()
        self.menus.enable(available)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.on_first_paint is not None:
            QTimer.singleShot(0, self.on_first_paint)
            self.on_first_paint = None

    # Leaving

    def _restore(self) -> None:
        geometry = self._settings.shape("window")
        self.was_restored = geometry is not None and self.restoreGeometry(geometry)
        self.panels.take_shape([self._settings.shape(name) for name in ("above", "whole")])

    def closeEvent(self, event: QCloseEvent) -> None:
        self._settings.keep_shape("window", self.saveGeometry())
        for name, state in zip(("above", "whole"), self.panels.shape(), strict=True):
            self._settings.keep_shape(name, state)
        self._settings.write()
        stack = self.editing.annotating.stack
        for signal in (stack.canUndoChanged, stack.canRedoChanged):
            signal.disconnect()  # it tells of its own end as well
        stack.clear()  # left to the garbage collector, steps may go before it, which then crashes
        self.jobs.close()
        self.map.close_workers()
        self._qt_texts.remove()
        QApplication.setPalette(self._palette_before)
        event.accept()
