"""What a supervisor says about measurements: left out with a reason, a note, tags.

Kept in one file of the desk, because a test is the same test in a survey file and in the archive;
survey files themselves are evidence and are never touched. The file is written whole with every
change, so that a crash loses nothing that was seen on screen. Must not import Qt.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.whole_file import write_whole

_FORMAT = "fieldsurvey-notes"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Annotation:
    """``excluded`` is the reason for leaving it out, "" where it counts."""

    excluded: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    changed_utc_us: int = 0

    @property
    def says_nothing(self) -> bool:
        return not (self.excluded or self.note or self.tags)


NOTHING = Annotation()


def second_key(drive_id: str, utc_us: int) -> str:
    """Return the key of one second; a test's key is its ``test_id``."""
    return f"{drive_id}@{utc_us}"


class Annotations:
    """All annotations of this desk, by key.

    Attributes:
        trouble: why the file could not be used when it was opened, for the window to tell.
    """

    def __init__(self, path: Path, now_utc_us: Callable[[], int] | None = None) -> None:
        self._path = path
        self._now_utc_us = now_utc_us or (lambda: time.time_ns() // 1000)
        self.trouble: KnownError | None = None
        self._notes: dict[str, Annotation] = {}
        try:
            self._notes = self._read()
        except KnownError as error:
            self.trouble = error

    def of(self, key: str) -> Annotation:
        return self._notes.get(key, NOTHING)

    def all(self) -> Mapping[str, Annotation]:
        """Return everything said, by key."""
        return self._notes

    def excluded(self) -> set[str]:
        """Return the keys of what is left out."""
        return {key for key, note in self._notes.items() if note.excluded}

    def tagged(self) -> dict[str, tuple[str, ...]]:
        """Return the tags of whatever has some."""
        return {key: note.tags for key, note in self._notes.items() if note.tags}

    def changed(self, keys: Iterable[str], **changes: object) -> dict[str, Annotation]:
        """Return what ``keys`` would say with ``changes``, for :meth:`put`."""
        now_utc_us = self._now_utc_us()
        return {
            key: replace(self.of(key), changed_utc_us=now_utc_us, **changes)  # type: ignore[arg-type]  # fields of Annotation by name
            for key in keys
        }

    def put(self, changes: Mapping[str, Annotation]) -> None:
        """Say this of these keys and write it down. What another window wrote meanwhile is kept.

        Raises ``KnownError`` where it cannot be written; then nothing has changed.
        """
        notes = self._read() | dict(changes)
        kept = {key: note for key, note in notes.items() if not note.says_nothing}
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "notes": {key: _as_json(kept[key]) for key in sorted(kept)},
        }
        text = json.dumps(document, ensure_ascii=False, indent=1)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, text.encode())
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise KnownError("gui.wb_notes_unwritten", path=self._path, reason=reason) from error
        self._notes = kept

    def _read(self) -> dict[str, Annotation]:
        """Raises ``KnownError`` for a file of a newer version, or one that is damaged: neither is
        written over."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise KnownError("gui.wb_notes_damaged", path=self._path) from error
        try:
            if document["format"] != _FORMAT:
                raise ValueError(document["format"])
            if document["version"] > _VERSION:
                raise KnownError("gui.wb_notes_newer", path=self._path)
            return {key: _from_json(entry) for key, entry in document["notes"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise KnownError("gui.wb_notes_damaged", path=self._path) from error


def _as_json(note: Annotation) -> dict[str, object]:
    return {name: value for name, value in asdict(note).items() if value}


def _from_json(entry: Mapping[str, object]) -> Annotation:
    tags = entry.get("tags", ())
    changed = entry.get("changed_utc_us", 0)
    if not isinstance(tags, list | tuple) or not isinstance(changed, int):
        raise TypeError(entry)
    return Annotation(
        str(entry.get("excluded", "")),
        str(entry.get("note", "")),
        tuple(map(str, tags)),
        changed,
    )
