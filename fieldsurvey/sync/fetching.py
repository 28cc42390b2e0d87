"""The archive on a supervisor's desk: a folder with exactly the files HQ names for a question.

    manifest.json                         what was asked, what counts, which state of HQ it is
    <table>/<day>/<16 digits>.parquet     the files, as HQ has them; they never change
    <table>/<day>/<16 digits>.parquet.part

Only what lacks is asked for, from the byte on that lacks. A file has its name once its digest is
right; the manifest names it once all are there; what the manifest no longer names goes after that.
Broken off anywhere, the folder shows the state before.
"""

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from fieldsurvey.model.errors import KnownError
from fieldsurvey.sync.answers import (
    Busy,
    NotOurServer,
    Trouble,
    Unauthorised,
    Unreachable,
    document_of,
    trouble_of,
)
from fieldsurvey.sync.http_transport import HttpTransport
from fieldsurvey.sync.profile import Enrolment
from fieldsurvey.sync.progress import describe
from fieldsurvey.sync.transport import Answer, TransportError
from fieldsurvey.wire.answers import ArchiveOffer, OfferedFile
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.checkpoint import checkpoint_from
from fieldsurvey.wire.whole_file import sync_folder, write_whole

MANIFEST = "manifest.json"
MOST_LIST_BYTES = 64 * 1024 * 1024
FRUITLESS_TRIES = 5  # in a row, without a single byte
_FIRST_WAIT_S = 0.5
_LISTS = 5  # times that files may be merged away under our hands
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[0-9a-z_-]{1,32}")


@dataclass(frozen=True, slots=True)
class Asked:
    """Days in UTC, both included; ``area`` is "west,south,east,north" in degrees; "" is all."""

    table: str = ""
    first_day: str = ""
    last_day: str = ""
    area: str = ""
    campaign: str = ""

    def query(self) -> str:
        """Return it as HQ's address has it."""
        named = {
            "table": self.table,
            "from": self.first_day,
            "to": self.last_day,
            "area": self.area,
            "campaign": self.campaign,
        }
        return urlencode({name: value for name, value in named.items() if value})


@dataclass(frozen=True, slots=True)
class Manifest:
    """``manifest.json``. Files that are in the folder and not here do not count."""

    asked: Asked
    offer: ArchiveOffer


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """Of the files that lacked: how many there are, how many came, bytes of all of them."""

    files: int
    done_files: int
    total_bytes: int
    done_bytes: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """``came_bytes`` went over the network just now; ``removed``: files that HQ no longer names."""

    manifest: Manifest
    came_files: int
    came_bytes: int
    removed: int


async def fetch(
    transport: HttpTransport,
    enrolment: Enrolment,
    folder: Path,
    asked: Asked,
    told: Callable[[FetchProgress], None] = lambda progress: None,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Fetched:
    """Make ``folder`` what HQ has of what is ``asked``. May be cancelled; what came is kept.

    Raises KnownError ``sync.fetch_*``, among them ``sync.fetch_other_question`` for a folder that
    answers another one: its files would go.
    """
    one = _Fetching(transport, enrolment, folder, asked, told, sleep)
    before = read_manifest(folder)
    if before is not None and before.asked != asked:
        raise KnownError("sync.fetch_other_question", path=folder)
    for _ in range(_LISTS):
        offer = await one.ask_list()
        if await one.bring(offer.files):
            manifest = Manifest(asked, offer)
            return Fetched(
                manifest, one.came_files, one.came_bytes, _conclude(folder, manifest, before)
            )
    raise KnownError("sync.fetch_restless", path=folder)


def read_manifest(folder: Path) -> Manifest | None:
    """Return what counts in a folder, None before anything was fetched whole.

    Raises KnownError ``sync.fetch_bad_manifest``.
    """
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KnownError("sync.fetch_bad_manifest", path=path, reason=error) from error


def local_path(file: OfferedFile) -> str:
    """Return where a file lies in the folder; what HQ calls its path is not trusted."""
    return f"{file.table}/{file.day}/{file.sha256[:16]}.parquet"


class _Fetching:
    """One fetch: what has come so far, and with how much patience."""

    def __init__(
        self,
        transport: HttpTransport,
        enrolment: Enrolment,
        folder: Path,
        asked: Asked,
        told: Callable[[FetchProgress], None],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.came_files = 0
        self.came_bytes = 0
        self._transport = transport
        self._enrolment = enrolment
        self._folder = folder
        self._asked = asked
        self._told = told
        self._sleep = sleep

    async def ask_list(self) -> ArchiveOffer:
        """Ask what there is."""
        content = bytearray()

        def keep(part: bytes) -> None:
            content.extend(part)
            if len(content) > MOST_LIST_BYTES:
                raise KnownError("sync.fetch_stopped", reason="–")

        path = f"/v1/archive/files?{self._asked.query()}"
        tries = 0
        while True:
            content.clear()
            answer = await self._ask(path, 0, keep)
            if isinstance(answer, Answer) and answer.status == 200:
                break
            tries = await self._wait(answer, tries)
        offer = document_of(Answer(200, answer.headers, bytes(content)), ArchiveOffer)
        if not isinstance(offer, ArchiveOffer):
            raise _stopped(offer)
        self._check(offer)
        return offer

    def _check(self, offer: ArchiveOffer) -> None:
        """Believe only who has HQ's key, and names that stay in the folder."""
        try:
            known = checkpoint_from(offer.checkpoint, self._enrolment.hq_key)
        except WireError as error:
            raise _stopped(NotOurServer(str(error))) from error
        if known.size < offer.log_size:
            raise _stopped(NotOurServer("its list is newer than its log"))
        for file in offer.files:
            words = _WORD.fullmatch(file.table) and _WORD.fullmatch(file.day)
            if not (words and _DIGEST.fullmatch(file.sha256) and file.bytes >= 0):
                raise _stopped(NotOurServer("its list names what cannot be"))

    async def bring(self, files: tuple[OfferedFile, ...]) -> bool:
        """Fetch what lacks; False if HQ has merged some of it away meanwhile."""
        lacking = [file for file in files if not self._has(file)]
        total_bytes = sum(file.bytes for file in lacking)
        before_bytes = 0
        for number, file in enumerate(lacking):

            def tell(there_bytes: int, number: int = number, before: int = before_bytes) -> None:
                self._told(FetchProgress(len(lacking), number, total_bytes, before + there_bytes))

            if not await self._bring_one(file, tell):
                return False
            before_bytes += file.bytes
            self.came_files += 1
        self._told(FetchProgress(len(lacking), len(lacking), total_bytes, before_bytes))
        return True

    def _has(self, file: OfferedFile) -> bool:
        path = self._folder / local_path(file)
        return path.is_file() and path.stat().st_size == file.bytes

    async def _bring_one(self, file: OfferedFile, tell: Callable[[int], None]) -> bool:
        path = self._folder / local_path(file)
        part = path.with_name(f"{path.name}.part")
        with _disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            there_bytes = part.stat().st_size if part.exists() else 0
        tries, resumed = 0, there_bytes > 0
        while True:
            if there_bytes < file.bytes:
                answer, came_bytes = await self._append(file, part, there_bytes, tell)
                there_bytes += came_bytes
                if isinstance(answer, Answer) and answer.status == 404:
                    return False
                if isinstance(answer, Answer) and answer.status in (200, 206):
                    if there_bytes >= file.bytes:
                        continue
                    if came_bytes == 0:  # a proxy that knows no ranges: from the beginning
                        part.unlink()
                        there_bytes = 0
                tries = await self._wait(answer, 0 if came_bytes else tries)
                continue
            with _disk(part):
                if _named_if_right(part, path, file.sha256):
                    return True
                part.unlink()
            if not resumed:
                raise KnownError("sync.fetch_wrong", path=path)
            # What was there from an earlier attempt may have been damaged by a power cut.
            there_bytes, resumed = 0, False

    async def _append(
        self, file: OfferedFile, part: Path, there_bytes: int, tell: Callable[[int], None]
    ) -> tuple[Answer | TransportError, int]:
        came_bytes = 0
        with _disk(part):
            stream = part.open("ab")

        def keep(content: bytes) -> None:
            nonlocal came_bytes
            with _disk(part):
                stream.write(content)
            came_bytes += len(content)
            self.came_bytes += len(content)
            tell(there_bytes + came_bytes)

        with stream:
            path = f"/v1/archive/files/{file.sha256}"
            return await self._ask(path, there_bytes, keep), came_bytes

    async def _ask(
        self, path: str, first_byte: int, keep: Callable[[bytes], None]
    ) -> Answer | TransportError:
        try:
            return await self._transport.download(path, first_byte, keep)
        except TransportError as error:
            return error

    async def _wait(self, answer: Answer | TransportError, tries: int) -> int:
        """Wait before another try; return how many there were. Raises KnownError if it is no use:
        HQ refuses, or too many came to nothing."""
        if isinstance(answer, TransportError):
            trouble: Trouble = Unreachable(answer.cause, answer.detail)
        else:
            trouble = trouble_of(answer)
        temporary = isinstance(trouble, Busy | Unreachable | NotOurServer)
        if not temporary or tries + 1 >= FRUITLESS_TRIES:
            raise _stopped(trouble)
        hint_s = trouble.retry_after_s if isinstance(trouble, Busy) else 0.0
        await self._sleep(max(hint_s, _FIRST_WAIT_S * 2**tries))
        return tries + 1


def _stopped(trouble: Trouble) -> KnownError:
    if isinstance(trouble, Unauthorised) and trouble.problem.code == "role":
        return KnownError("sync.fetch_role")
    return KnownError("sync.fetch_stopped", reason=describe(trouble)[1])


def _named_if_right(part: Path, path: Path, sha256: str) -> bool:
    """Give a whole file its name, for good, if it is the one that was named."""
    with part.open("rb+") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
            return False
        os.fsync(stream.fileno())
    part.replace(path)
    sync_folder(path.parent)
    return True


def _conclude(folder: Path, manifest: Manifest, before: Manifest | None) -> int:
    """Let the new manifest count, then remove what only the one before named; return how many."""
    with _disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(asdict(manifest))))
        named = {local_path(file) for file in manifest.offer.files}
        earlier = () if before is None else before.offer.files
        removed = 0
        for name in {local_path(file) for file in earlier} - named:
            with contextlib.suppress(FileNotFoundError):
                (folder / name).unlink()
                removed += 1
        return removed


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise KnownError("sync.fetch_unwritable", path=path, reason=reason) from error
