"""Filters that take more than a choice of words, and the views that filters are saved as."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtWidgets import QMainWindow

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.dialogs import ask_line, ask_road, ask_time, ask_to_replace
from fieldsurvey.gui.workbench.filters import RoadRange, filters_from
from fieldsurvey.gui.workbench.selection import SelectionModel
from fieldsurvey.gui.workbench.settings import Settings
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message

_MINUTE_US = 60_000_000


class Filtering:
    def __init__(
        self,
        window: QMainWindow,
        model: SelectionModel,
        settings: Settings,
        tell: Callable[[Message], None],
    ) -> None:
        self._window, self._model = window, model
        self._settings, self._tell = settings, tell

    def take_view(self, text: str) -> None:
        """Show a saved view."""
        try:
            self._model.set_filters(filters_from(text))
        except KnownError as error:
            self._tell(error.message)

    def ask_view(self, texts: Texts) -> None:
        """Save the filters under a name that is asked for."""

        def keep(name: str) -> None:
            if name not in self._settings.views():
                self._keep_view(name)
                return
            ask_to_replace(self._window, texts, name, lambda: self._keep_view(name))

        ask_line(self._window, texts, texts.tr("wb_view_name"), keep)

    def _keep_view(self, name: str) -> None:
        self._settings.keep_view(name, self._model.filters.text())
        self._tell(message("gui.wb_view_kept", name=name))

    def ask_time(self, texts: Texts) -> None:
        facts, filters = self._model.facts, self._model.filters
        utc_us = np.concatenate([facts.tests.utc_us, facts.samples.utc_us])
        if not len(utc_us):
            return

        def take(first_utc_us: int, end_utc_us: int) -> None:
            self._model.set_filters(
                replace(filters, first_utc_us=first_utc_us, end_utc_us=end_utc_us)
            )

        span = (int(utc_us.min()), int(utc_us.max()) + _MINUTE_US)
        ask_time(self._window, texts, filters, span, take)

    def ask_road(self, texts: Texts) -> None:
        rows, filters = self._model.facts.tests, self._model.filters
        field = rows.fields["highway_ref"]
        ends = {word: rows.chainage_m[field.is_word(word)] for word in field.words}
        highways = {word: float(np.nanmax(m)) for word, m in ends.items() if np.isfinite(m).any()}
        if not highways:
            self._tell(message("gui.wb_no_highways"))
            return

        def take(road: RoadRange) -> None:
            self._model.set_filters(replace(filters, road=road))

        ask_road(self._window, texts, filters, highways, take)
