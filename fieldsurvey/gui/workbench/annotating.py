"""Annotations as steps that can be taken back. Raw measurements are not touched by any of them."""

from collections.abc import Callable, Iterable, Mapping

from PySide6.QtGui import QUndoCommand, QUndoStack

from fieldsurvey.gui.workbench.annotations import Annotation
from fieldsurvey.gui.workbench.selection import SelectionModel
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message


class Annotating:
    """Says things about measurements.

    Attributes:
        stack: what was said, to be taken back.
    """

    def __init__(self, model: SelectionModel, tell: Callable[[Message], None]) -> None:
        self._model = model
        self._tell = tell
        self.stack = QUndoStack()

    def exclude(self, keys: Iterable[str], reason: str, text: str) -> None:
        self._push(keys, text, excluded=reason)

    def note(self, keys: Iterable[str], note: str, text: str) -> None:
        self._push(keys, text, note=note)

    def retag(self, keys: Iterable[str], tags: tuple[str, ...], text: str) -> None:
        self._push(keys, text, tags=tags)

    def _push(self, keys: Iterable[str], text: str, **changes: object) -> None:
        after = self._model.notes.changed(keys, **changes)
        before = {key: self._model.notes.of(key) for key in after}
        self.stack.push(_Step(text, before, after, self._put))

    def _put(self, notes: Mapping[str, Annotation]) -> bool:
        """Write; where that fails it is told, and the step is forgotten."""
        try:
            self._model.notes.put(notes)
        except KnownError as error:
            self._tell(error.message)
            return False
        self._model.notes_changed()
        return True


class _Step(QUndoCommand):
    def __init__(
        self,
        text: str,
        before: Mapping[str, Annotation],
        after: Mapping[str, Annotation],
        put: Callable[[Mapping[str, Annotation]], bool],
    ) -> None:
        super().__init__(text)
        self._before, self._after, self._put = before, after, put

    def redo(self) -> None:
        if not self._put(self._after):
            self.setObsolete(True)

    def undo(self) -> None:
        if not self._put(self._before):
            self.setObsolete(True)
