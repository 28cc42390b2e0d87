"""What HQ has issued to this laptop: offered in a folder, used only by who asks for it.

    issued/plans/NAME.toml  issued/places/NAME.places  issued/targets/NAME.toml
    issued/aside/           what came and cannot be used here; the one before stays offered
    issued/parts/           what has not come whole
    issued/issued.json      which versions came, which of them are offered, what was refused

A file is replaced whole; whoever reads one at the start of a drive has it for the whole drive.
"""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message
from fieldsurvey.store.codec import message_to_json
from fieldsurvey.wire.issued import Issued, IssuedKind, SignedIssued
from fieldsurvey.wire.whole_file import sync_folder, write_whole

_PLACES = {
    IssuedKind.PLAN: ("plans", ".toml"),
    IssuedKind.PLACES: ("places", ".places"),
    IssuedKind.TARGETS: ("targets", ".toml"),
}


@dataclass(frozen=True, slots=True)
class Came:
    """One document. ``offered``: whose bytes lie in the folder. ``aside``: a newer version that
    cannot be used here, and why (``reason``, a message as JSON)."""

    offered: SignedIssued | None = None
    aside: SignedIssued | None = None
    reason: str = ""

    @property
    def newest(self) -> Issued | None:
        """The newest version that ever came."""
        signed = self.aside or self.offered
        return None if signed is None else signed.issued


@dataclass(frozen=True, slots=True)
class Memory:
    """``issued.json``. ``refused``: what the newest look at HQ's list found wrong, as JSON."""

    came: dict[str, Came] = field(default_factory=dict)  # by "kind/name"
    refused: tuple[str, ...] = ()


class IssuedFolder:
    """The folder ``path``. Raises KnownError ``sync.profile_unreadable``, ``_damaged`` and
    ``_unwritable``. A memory that is lost would let an old version in: it is never begun anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory_path = path / "issued.json"

    def memory(self) -> Memory:
        """Return what came."""
        try:
            return msgspec.json.decode(self._memory_path.read_bytes(), type=Memory)
        except FileNotFoundError:
            return Memory()
        except OSError as error:
            raise _unreadable(self._memory_path, error) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise KnownError("sync.profile_damaged", path=self._memory_path) from error

    def offered_path(self, one: Issued) -> Path:
        """Return where a document lies that is offered."""
        folder, suffix = _PLACES[one.kind]
        return self.path / folder / f"{one.name}{suffix}"

    def part_path(self, one: Issued) -> Path:
        """Return where a document gathers."""
        return self.path / "parts" / f"{one.sha256}{_PLACES[one.kind][1]}"

    def part_bytes(self, one: Issued) -> int:
        """Return how much of a document is there."""
        try:
            return self.part_path(one).stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise _unreadable(self.part_path(one), error) from error

    def append(self, one: Issued, content: bytes) -> None:
        """Add to what is there of a document."""
        path = self.part_path(one)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("ab") as stream:
                stream.write(content)
        except OSError as error:
            raise _unwritable(path, error) from error

    def is_right(self, one: Issued) -> bool:
        """Tell whether what gathered is what was signed; what is not, goes."""
        path = self.part_path(one)
        try:
            with path.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() == one.sha256:
                    return True
            path.unlink()
        except OSError as error:
            raise _unwritable(path, error) from error
        return False

    def offer(self, signed: SignedIssued) -> None:
        """Put what gathered where it is offered, in the place of the version before."""
        self._move(signed.issued, self.offered_path(signed.issued))
        self._remember(signed.issued, Came(signed))

    def set_aside(self, signed: SignedIssued, reason: Message) -> None:
        """Keep what gathered and cannot be used; the version before stays offered."""
        one = signed.issued
        suffix = _PLACES[one.kind][1]
        self._move(one, self.path / "aside" / f"{one.kind}-{one.name}-{one.version}{suffix}")
        before = self.memory().came.get(key_of(one), Came())
        self._remember(one, replace(before, aside=signed, reason=message_to_json(reason)))

    def note_refused(self, refused: list[Message]) -> None:
        """Remember what was wrong with HQ's list; none, if nothing was."""
        memory = self.memory()
        now = tuple(message_to_json(one) for one in refused)
        if now != memory.refused:
            self._write(replace(memory, refused=now))

    def _remember(self, one: Issued, came: Came) -> None:
        memory = self.memory()
        self._write(replace(memory, came={**memory.came, key_of(one): came}))

    def _write(self, memory: Memory) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._memory_path, msgspec.json.format(msgspec.json.encode(memory)))
        except OSError as error:
            raise _unwritable(self._memory_path, error) from error

    def _move(self, one: Issued, target: Path) -> None:
        part = self.part_path(one)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(target, part.read_bytes())
            sync_folder(target.parent.parent)
            part.unlink()
        except OSError as error:
            raise _unwritable(target, error) from error


def key_of(one: Issued) -> str:
    """Return under which word a document is remembered."""
    return f"{one.kind}/{one.name}"


def _unreadable(path: Path, error: OSError) -> KnownError:
    return KnownError("sync.profile_unreadable", path=path, reason=error.strerror or error)


def _unwritable(path: Path, error: OSError) -> KnownError:
    return KnownError("sync.profile_unwritable", path=path, reason=error.strerror or error)
