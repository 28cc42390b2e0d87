"""What is annotated when somebody says so, and the questions that come before it."""

from collections.abc import Callable

from PySide6.QtWidgets import QMainWindow

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.actions import Do
from fieldsurvey.gui.workbench.annotating import Annotating
from fieldsurvey.gui.workbench.dialogs import ask_line
from fieldsurvey.gui.workbench.selection import SelectionModel
from fieldsurvey.model.messages import Message, message


class Editing:
    """Attributes:
    annotating: what was said, to be taken back.
    """

    def __init__(
        self, window: QMainWindow, model: SelectionModel, tell: Callable[[Message], None]
    ) -> None:
        self._window, self._model, self._tell = window, model, tell
        self.annotating = Annotating(model, tell)

    def keys(self) -> list[str]:
        """Return what an annotation would be about: what is marked by hand, else the one test or
        second that is looked at. Never a test that is not in sight any more, nor a second
        without a time: nothing could be said of it alone, and it counts nowhere."""
        model, spot = self._model, self._model.spot
        if model.brush is not None and model.listed_tests.any():
            return model.test_keys(model.listed_tests)
        if spot is None or (spot.is_test and not model.listed_tests[spot.row]):
            return []
        if not spot.is_test and model.measurements.samples["utc_us"][spot.row] is None:
            return []
        return [model.key_of(spot)]

    def _to_include(self) -> list[str]:
        """Return the same to count it again: with what was left out of what is marked, which the
        table that it was marked in goes on showing."""
        model = self._model
        if model.brush is None:
            return self.keys()
        tests = model.brush.tests & model.excluded_tests & model.within_filters
        return model.test_keys(tests) or self.keys()

    def ask(self, do: Do, texts: Texts) -> None:
        """Ask for the words of an annotation and make it."""
        keys = self._to_include() if do is Do.INCLUDE else self.keys()
        if not keys:
            self._tell(message("gui.wb_nothing_marked"))
            return
        count = texts.number(len(keys))
        first = self._model.notes.of(keys[0])
        match do:
            case Do.EXCLUDE:
                question = texts.tr("wb_exclude_ask", count=count)
                said = texts.tr("wb_undo_exclude", count=count)
                ask_line(
                    self._window, texts, question,
                    lambda reason: self.annotating.exclude(keys, reason, said),
                    now=first.excluded,
                )  # fmt: skip
            case Do.INCLUDE:
                self.annotating.exclude(keys, "", texts.tr("wb_undo_include", count=count))
            case Do.NOTE:
                said = texts.tr("wb_undo_note", count=count)
                ask_line(
                    self._window, texts, texts.tr("wb_note_ask", count=count),
                    lambda note: self.annotating.note(keys, note, said),
                    now=first.note, may_be_empty=True,
                )  # fmt: skip
            case Do.RETAG:
                said = texts.tr("wb_undo_tag", count=count)
                ask_line(
                    self._window, texts, texts.tr("wb_tag_ask", count=count),
                    lambda words: self.annotating.retag(keys, _tags(words), said),
                    now=", ".join(first.tags), may_be_empty=True,
                )  # fmt: skip


def _tags(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
