"""What HQ answers besides receipts, as both sides know it. All of it is JSON.

    GET  /v1/hello                                       Hello
    POST /v1/enrol                                       EnrolRequest -> Enrolled
    PUT  /v1/devices/{device}/recovery                   RecoveryCopy -> RecoveryKept (bearer token)
    GET  /v1/devices/{device}/epochs/{epoch}/state       EpochState        (bearer token)
    PUT  /v1/devices/{device}/epochs/{epoch}/batches/{n} SignedReceipt     (bearer token)
    GET  /v1/log/checkpoint                              text: a signed note
    GET  /v1/log/consistency?first=N&size=M              Proof
    GET  /v1/archive/files?table=&from=&to=&area=&campaign=  ArchiveOffer  (token of a supervisor)
    GET  /v1/archive/files/{sha256}                      the file, by Range too (same token)
    GET  /v1/issued                                      IssuedList        (bearer token)
    GET  /v1/issued/{sha256}                             the document, by Range too (bearer token)

A refusal is a :class:`Problem` with a status of 400 or more.
"""

from dataclasses import dataclass, field

PROTOCOL = 1


@dataclass(frozen=True, slots=True)
class Hello:
    """Who answers, what it speaks. ``receipt_key`` is public; trust only the one of enrolment."""

    server: str
    time_utc_us: int
    protocols: tuple[int, ...]
    schemas: tuple[str, ...]
    max_batch_bytes: int
    max_in_flight: int
    receipt_key: str
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class FormerDevice:
    """What a laptop was before, at the HQ of ``log_origin``."""

    device: str
    public_key: str
    log_origin: str


@dataclass(frozen=True, slots=True)
class EnrolRequest:
    """``signature`` (base64url) is the device key's over the code, for purpose "enrolment".

    ``former``: an HQ that was restored from a backup may have forgotten a device, and could then
    never check what that had sealed. Whoever has a code is believed about devices that are unknown.
    """

    code: str
    public_key: str
    signature: str
    former: tuple[FormerDevice, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a laptop keeps: its name at HQ, its token, and whose receipts to believe.

    ``encrypt``: new survey files are to be encrypted, and HQ wants a recovery copy of their key,
    wrapped to ``recovery_key``.
    """

    device: str
    token: str
    receipt_key: str
    log_origin: str
    encrypt: bool = False
    recovery_key: str = ""


@dataclass(frozen=True, slots=True)
class RecoveryCopy:
    """A file key that HQ can open (:mod:`fieldsurvey.wire.recovery`); ``key_id`` names it."""

    v: int
    key_id: str
    ephemeral: str
    sealed: str


@dataclass(frozen=True, slots=True)
class RecoveryKept:
    """HQ has the copy of this key on its disk."""

    key_id: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A batch that HQ holds and could not use; ``code`` and ``detail`` say why."""

    batch_no: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class EpochState:
    """What HQ holds of one epoch. ``have``: ranges of batch numbers, both ends included, in order.

    ``durable_upto``: all batches up to this number lie on a second disk too; -1 is none.
    """

    have: tuple[tuple[int, int], ...]
    durable_upto: int
    quarantined: tuple[Quarantined, ...] = ()
    checkpoint: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Hashes of a Merkle proof, hexadecimal."""

    hashes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file of the archive with rows that were asked for, and perhaps others:
    ``rows_asked_at_most`` of its ``rows`` can be meant."""

    path: str
    table: str
    day: str
    rows: int
    rows_asked_at_most: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ArchiveOffer:
    """What the archive has of what was asked. It stands for the first ``log_size`` batches of the
    log but ``waiting_batches``, which are not merged yet. ``checkpoint``: of that log, or newer."""

    log_size: int
    waiting_batches: int
    files: tuple[OfferedFile, ...]
    checkpoint: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was refused: a word for machines, and a sentence for a log."""

    code: str
    detail: str = ""
