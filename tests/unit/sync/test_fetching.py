"""A supervisor's folder, filled from a real HQ: broken off, gone on with, lied to."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from fieldsurvey.hq.ledger_records import ArchiveFile
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.throughput import Cause
from fieldsurvey.sync.fetching import (
    MANIFEST,
    Asked,
    Fetched,
    FetchProgress,
    fetch,
    local_path,
    read_manifest,
)
from fieldsurvey.sync.http_transport import HttpTransport
from fieldsurvey.sync.transport import Answer, TransportError
from tests.support.hq_archive import DAY_US, enrolment_of, frame, put_into, revoke, someone
from tests.support.hq_server import Server
from tests.support.hq_values import Laptop

EVENTS = Asked(table="events")
_days = iter(range(10_000, 20_000))


@dataclass
class Wire(HttpTransport):
    """The real transport; notes what it carries, and lies or breaks as it is told."""

    url: str
    token: str
    cut_after_bytes: int | None = None
    change: Callable[[bytes], bytes] = bytes
    asked: list[tuple[str, int]] = field(default_factory=list)
    carried_bytes: int = 0

    def __post_init__(self) -> None:
        super().__init__(self.url, self.token)

    async def download(self, path: str, first_byte: int, keep: Callable[[bytes], None]) -> Answer:
        def through(part: bytes) -> None:
            is_file = "?" not in path
            if is_file and self.cut_after_bytes is not None:
                left = self.cut_after_bytes - self.carried_bytes
                keep(part[:left])
                self.carried_bytes += len(part[:left])
                if len(part) > left:
                    raise TransportError(Cause.CUT_OFF)
                return
            self.carried_bytes += len(part) if is_file else 0
            keep(self.change(part) if is_file else part)

        self.asked.append((path, first_byte))
        return await super().download(path, first_byte, through)


@pytest.fixture(scope="module")
def supervisor(hq_server: Server) -> Laptop:
    return someone(hq_server.home, "supervisor")


def big(server: Server, removed: tuple[str, ...] = ()) -> ArchiveFile:
    """Put a file of some 200 kB into the archive."""
    dice = random.Random(1)
    day_us = next(_days) * DAY_US
    rows = [
        {"drive_id": "d", "ts_utc_us": day_us + n, "json": dice.randbytes(1000).hex()}
        for n in range(200)
    ]
    (one,) = put_into(server.home, {"events": frame("events", rows)}, removed)
    return one


@pytest.fixture
def archived(hq_server: Server) -> ArchiveFile:
    """The one file of events."""
    ledger = hq_server.home.ledger()
    before = tuple(file.path for file in ledger.archive_files("events"))
    ledger.close()
    return big(hq_server, before)


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


def bring(
    server: Server,
    person: Laptop,
    folder: Path,
    asked: Asked = EVENTS,
    told: Callable[[FetchProgress], None] = lambda progress: None,
    **given: object,
) -> tuple[Fetched | KnownError | asyncio.CancelledError, Wire]:
    enrolment = enrolment_of(server, person)
    wire = Wire(enrolment.hq_url, enrolment.token, **given)  # type: ignore[arg-type]

    async def main() -> Fetched:
        async with wire:
            return await fetch(wire, enrolment, folder, asked, told, sleep=at_once)

    try:
        return asyncio.run(main()), wire
    except (KnownError, asyncio.CancelledError) as error:
        return error, wire


def content(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def named(file: ArchiveFile) -> str:
    return f"events/{file.day}/{file.sha256[:16]}.parquet"


def test_what_lacks_comes_once(
    hq_server: Server, supervisor: Laptop, archived: ArchiveFile, tmp_path: Path
) -> None:
    told: list[FetchProgress] = []
    fetched, _ = bring(hq_server, supervisor, tmp_path, told=told.append)
    assert isinstance(fetched, Fetched)
    assert (fetched.came_files, fetched.came_bytes) == (1, archived.bytes)
    assert content(tmp_path) == {MANIFEST, named(archived)}
    assert told[-1] == FetchProgress(1, 1, archived.bytes, archived.bytes)
    original = (hq_server.home.archive / archived.path).read_bytes()
    assert (tmp_path / named(archived)).read_bytes() == original
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert [local_path(file) for file in manifest.offer.files] == [named(archived)]

    again, wire = bring(hq_server, supervisor, tmp_path)
    assert isinstance(again, Fetched)
    assert (again.came_files, wire.carried_bytes) == (0, 0)


def test_broken_off_it_goes_on_and_no_byte_comes_twice(
    hq_server: Server, supervisor: Laptop, archived: ArchiveFile, tmp_path: Path
) -> None:
    cut_off, first = bring(hq_server, supervisor, tmp_path, cut_after_bytes=70_001)
    assert isinstance(cut_off, KnownError)
    assert cut_off.message.id == "sync.fetch_stopped"
    assert content(tmp_path) == {f"{named(archived)}.part"}

    def stop(progress: FetchProgress) -> None:
        raise asyncio.CancelledError

    cancelled, second = bring(hq_server, supervisor, tmp_path, told=stop)
    assert isinstance(cancelled, asyncio.CancelledError)
    fetched, third = bring(hq_server, supervisor, tmp_path)
    assert isinstance(fetched, Fetched)
    assert second.asked[-1][1] == 70_001
    assert third.asked[-1][1] == 70_001 + second.carried_bytes > 70_001
    carried = first.carried_bytes + second.carried_bytes + third.carried_bytes
    assert carried == archived.bytes
    assert content(tmp_path) == {MANIFEST, named(archived)}


def test_what_was_damaged_on_the_way_never_counts(
    hq_server: Server, supervisor: Laptop, archived: ArchiveFile, tmp_path: Path
) -> None:
    failed, _ = bring(
        hq_server, supervisor, tmp_path, change=lambda part: bytes([part[0] ^ 1]) + part[1:]
    )
    assert isinstance(failed, KnownError)
    assert failed.message.id == "sync.fetch_wrong"
    assert content(tmp_path) == set()
    # A half file that a power cut damaged is noticed, and fetched from its beginning.
    part = tmp_path / f"{named(archived)}.part"
    part.write_bytes(bytes(1000))
    fetched, wire = bring(hq_server, supervisor, tmp_path)
    assert isinstance(fetched, Fetched)
    assert [first for _, first in wire.asked] == [0, 1000, 0]
    assert content(tmp_path) == {MANIFEST, named(archived)}


def test_what_hq_merged_away_goes_when_the_new_is_whole(
    hq_server: Server, supervisor: Laptop, archived: ArchiveFile, tmp_path: Path
) -> None:
    bring(hq_server, supervisor, tmp_path)
    newer = big(hq_server, (archived.path,))
    failed, _ = bring(hq_server, supervisor, tmp_path, cut_after_bytes=1)
    assert isinstance(failed, KnownError)
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert [local_path(file) for file in manifest.offer.files] == [named(archived)]
    assert content(tmp_path) == {MANIFEST, named(archived), f"{named(newer)}.part"}

    fetched, _ = bring(hq_server, supervisor, tmp_path)
    assert isinstance(fetched, Fetched)
    assert fetched.removed == 1
    assert content(tmp_path) == {MANIFEST, named(newer)}


def test_a_merge_between_list_and_fetch_is_listed_anew(
    hq_server: Server, supervisor: Laptop, archived: ArchiveFile, tmp_path: Path
) -> None:
    big(hq_server)  # two files: the second is merged away while the first one comes
    ledger = hq_server.home.ledger()
    last = ledger.archive_files("events")[-1]
    ledger.close()
    newer: list[ArchiveFile] = []

    def merge(progress: FetchProgress) -> None:
        if not newer:
            newer.append(big(hq_server, (last.path,)))

    fetched, wire = bring(hq_server, supervisor, tmp_path, told=merge)
    assert isinstance(fetched, Fetched)
    assert sum("?" in path for path, _ in wire.asked) == 2
    assert named(newer[0]) in content(tmp_path)
    assert named(last) not in content(tmp_path)


def test_one_folder_answers_one_question(
    hq_server: Server, supervisor: Laptop, archived: ArchiveFile, tmp_path: Path
) -> None:
    bring(hq_server, supervisor, tmp_path)
    other = replace(EVENTS, first_day="2026-01-01")
    failed, wire = bring(hq_server, supervisor, tmp_path, other)
    assert isinstance(failed, KnownError)
    assert failed.message.id == "sync.fetch_other_question"
    assert (wire.asked, content(tmp_path)) == ([], {MANIFEST, named(archived)})


def test_only_supervisors_that_are_believed_get_anything(
    hq_server: Server, archived: ArchiveFile, tmp_path: Path
) -> None:
    failed, _ = bring(hq_server, someone(hq_server.home, "device"), tmp_path)
    assert isinstance(failed, KnownError)
    assert failed.message.id == "sync.fetch_role"
    gone = someone(hq_server.home, "supervisor")
    revoke(hq_server.home, gone)
    failed, _ = bring(hq_server, gone, tmp_path)
    assert isinstance(failed, KnownError)
    assert failed.message.id == "sync.fetch_stopped"
    assert content(tmp_path) == set()
