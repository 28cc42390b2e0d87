"""Who this laptop is and which HQ it belongs to: a folder with its key, its token and its memory.

    device_key         private Ed25519, made here, never leaves
    hq.json            name, token, whose receipts to believe, what may be sent when
    checkpoint.note    the newest statement of HQ's log that was checked
    log_broken/        pairs of statements of which the later does not contain the earlier
    spent.json         bytes sent today
    last_sync.json     how the newest attempt ended
    clock_anchors.json when HQ's clock and ours were compared
    file_keys.json     which keys encrypted survey files have; never such a key in clear
    issued/            what HQ gave: see :mod:`fieldsurvey.sync.issued_folder`

Every file is replaced whole. Nothing is ever deleted or guessed: what cannot be read is a
KnownError that says what to do.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives import serialization

from fieldsurvey.model.errors import KnownError
from fieldsurvey.sync.kept_keys import KeptKeys
from fieldsurvey.sync.policy import DaySpent, Policy
from fieldsurvey.wire.answers import FormerDevice
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
    public_key_from,
    public_key_text,
)
from fieldsurvey.wire.whole_file import write_whole

T = TypeVar("T")

DEFAULT_BUDGET_BYTES_PER_DAY = 64 * 1024 * 1024
MOST_ANCHORS = 500


@dataclass(frozen=True, slots=True)
class Enrolment:
    """``hq.json``. ``public_key`` is that of the device key, so that another one is noticed.
    ``former``: what the laptop was at this HQ before.

    ``budget_bytes_per_day`` 0: no budget.
    """

    device: str
    hq_url: str
    token: str
    receipt_key: str
    log_origin: str
    public_key: str
    ca_pem: str = ""
    policy: Policy = Policy.ANY
    budget_bytes_per_day: int = DEFAULT_BUDGET_BYTES_PER_DAY
    former: tuple[FormerDevice, ...] = ()

    @property
    def known_as(self) -> tuple[FormerDevice, ...]:
        """What the laptop is at this HQ, and what it was; the newest first."""
        own = FormerDevice(self.device, self.public_key, self.log_origin)
        return own, *(one for one in self.former if one != own)

    @property
    def hq_key(self) -> Ed25519PublicKey:
        """Whose receipts and checkpoints to believe."""
        return public_key_from(self.receipt_key)


@dataclass(frozen=True, slots=True)
class ClockAnchor:
    """One look at both clocks: ours when the answer came, HQ's when it was written."""

    utc_us: int
    mono_us: int
    hq_utc_us: int
    round_trip_us: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the newest attempt ended. ``last_error``: a message as JSON."""

    last_success_utc_us: int | None = None
    last_error: str | None = None


class Profile:
    """The folder ``path``; it need not exist before something is written.

    Reading raises KnownError ``sync.profile_damaged`` or ``sync.profile_unreadable``, writing
    ``sync.profile_unwritable``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key_path = path / "device_key"
        self._hq_path = path / "hq.json"
        self._checkpoint_path = path / "checkpoint.note"
        self._broken_path = path / "log_broken"
        self._spent_path = path / "spent.json"
        self._outcome_path = path / "last_sync.json"
        self._anchors_path = path / "clock_anchors.json"
        self.file_keys_path = path / "file_keys.json"
        self.issued_path = path / "issued"

    # -- identity -----------------------------------------------------------------------------

    def make_key(self) -> Ed25519PrivateKey:
        """Return the device's key; the first time make it, durably, before anybody learns of it."""
        if (key := self._key()) is not None:
            return key
        key = Ed25519PrivateKey.generate()
        self._write(
            self._key_path,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        return key

    def enrolled(self) -> tuple[Enrolment, Ed25519PrivateKey]:
        """Return HQ and key. Raises KnownError ``sync.not_enrolled`` too."""
        enrolment = self._json(self._hq_path, Enrolment)
        if enrolment is None:
            raise KnownError("sync.not_enrolled")
        key = self._key()
        if key is None or public_key_text(key.public_key()) != enrolment.public_key:
            raise KnownError("sync.profile_damaged", path=self._key_path)
        try:
            _ = enrolment.hq_key
        except WireError as error:
            raise KnownError("sync.profile_damaged", path=self._hq_path) from error
        return enrolment, key

    def enrol(self, enrolment: Enrolment, now_utc_us: int) -> None:
        """Keep what HQ answered. What was known of another HQ is renamed, not deleted."""
        before = self._enrolment_if_whole()
        if before is not None and _is_same_hq(before, enrolment):
            enrolment = replace(
                enrolment,
                policy=before.policy,
                budget_bytes_per_day=before.budget_bytes_per_day,
                former=before.known_as,
            )
        else:
            for path in (
                self._hq_path,
                self._checkpoint_path,
                self._broken_path,
                self.issued_path,
            ):
                if path.exists():
                    path.rename(path.with_name(f"{path.name}.before-{now_utc_us}"))
        self._keep(enrolment)

    def known_as(self) -> tuple[FormerDevice, ...]:
        """Return what the laptop is at HQ, and was there before; the newest first."""
        before = self._enrolment_if_whole()
        return () if before is None else before.known_as

    def set_policy(self, policy: Policy, budget_bytes_per_day: int) -> None:
        """Change what may be sent without anybody asking. Raises as :meth:`enrolled` does."""
        enrolment, _ = self.enrolled()
        self._keep(replace(enrolment, policy=policy, budget_bytes_per_day=budget_bytes_per_day))

    def _keep(self, enrolment: Enrolment) -> None:
        self._write(self._hq_path, msgspec.json.format(msgspec.json.encode(enrolment)))

    def file_keys(self) -> KeptKeys | None:
        """Return which file keys there are."""
        return self._json(self.file_keys_path, KeptKeys)

    def keep_file_keys(self, kept: KeptKeys) -> None:
        """Remember which file keys there are."""
        self._write(self.file_keys_path, msgspec.json.format(msgspec.json.encode(kept)))

    def _enrolment_if_whole(self) -> Enrolment | None:
        try:
            return self._json(self._hq_path, Enrolment)
        except KnownError:
            return None

    def _key(self) -> Ed25519PrivateKey | None:
        data = self._read(self._key_path)
        if data is None:
            return None
        try:
            key = serialization.load_pem_private_key(data, None)
        except (ValueError, TypeError) as error:
            raise KnownError("sync.profile_damaged", path=self._key_path) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KnownError("sync.profile_damaged", path=self._key_path)
        return key

    # -- memory -------------------------------------------------------------------------------

    def checkpoint_note(self) -> str | None:
        """Return the newest note that was checked."""
        data = self._read(self._checkpoint_path)
        return None if data is None else data.decode("utf-8", "replace")

    def keep_checkpoint(self, note: str) -> None:
        """Remember ``note``, which has been checked, in the place of the one before."""
        self._write(self._checkpoint_path, note.encode())

    def keep_evidence(self, earlier_note: str, later_note: str, detail: str) -> None:
        """Keep two notes that contradict each other, for whoever has to explain it."""
        text = f"{earlier_note}\n{later_note}\n{detail}\n".encode()
        name = f"{hashlib.sha256(text).hexdigest()[:16]}.txt"
        self._write(self._broken_path / name, text)

    def log_broken(self) -> bool:
        """True while evidence lies there."""
        return self._broken_path.is_dir() and any(self._broken_path.iterdir())

    @property
    def evidence_path(self) -> Path:
        """Where the evidence lies."""
        return self._broken_path

    def spent(self) -> DaySpent:
        """Return what was sent on the newest day."""
        return self._memory(self._spent_path, DaySpent) or DaySpent("", 0)

    def keep_spent(self, spent: DaySpent) -> None:
        """Remember what was sent."""
        self._write(self._spent_path, msgspec.json.encode(spent))

    def outcome(self) -> Outcome:
        """Return how the newest attempt ended."""
        return self._memory(self._outcome_path, Outcome) or Outcome()

    def keep_outcome(self, outcome: Outcome) -> None:
        """Remember how an attempt ended."""
        self._write(self._outcome_path, msgspec.json.encode(outcome))

    def clock_anchors(self) -> list[ClockAnchor]:
        """Return when clocks were compared, oldest first."""
        return self._memory(self._anchors_path, list[ClockAnchor]) or []

    def add_clock_anchor(self, anchor: ClockAnchor) -> None:
        """Remember one more comparison; of the oldest, some are dropped."""
        anchors = [*self.clock_anchors(), anchor][-MOST_ANCHORS:]
        self._write(self._anchors_path, msgspec.json.encode(anchors))

    def _memory(self, path: Path, kind: type[T]) -> T | None:
        """Read what guards no measurement; damaged, it begins anew."""
        try:
            return self._json(path, kind)
        except KnownError:
            return None

    # -- files --------------------------------------------------------------------------------

    def _json(self, path: Path, kind: type[T]) -> T | None:
        data = self._read(path)
        if data is None:
            return None
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise KnownError("sync.profile_damaged", path=path) from error

    def _read(self, path: Path) -> bytes | None:
        return _known(lambda: path.read_bytes() if path.exists() else None, path, "unreadable")

    def _write(self, path: Path, content: bytes) -> None:
        def write() -> None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, content, private=True)

        _known(write, path, "unwritable")


def _is_same_hq(first: Enrolment, second: Enrolment) -> bool:
    return (first.log_origin, first.receipt_key) == (second.log_origin, second.receipt_key)


def _known(work: Callable[[], T], path: Path, what: str) -> T:
    try:
        return work()
    except OSError as error:
        raise KnownError(
            f"sync.profile_{what}", path=path, reason=error.strerror or error
        ) from error
