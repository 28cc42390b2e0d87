"""Batches and the archive in a bucket: the same promises as on a disk, and the same way in."""

import asyncio
import hashlib
import json
import os
import shutil
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from fieldsurvey.cli.shell import Shell
from fieldsurvey.hq import bucket as bucket_module
from fieldsurvey.hq.app import create_app
from fieldsurvey.hq.archive import Archive
from fieldsurvey.hq.bodies import Bodies
from fieldsurvey.hq.bucket import Bucket
from fieldsurvey.hq.command import command
from fieldsurvey.hq.home import Home, Settings
from fieldsurvey.hq.janitor import tidy
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.merge import merge_once
from fieldsurvey.hq.mirror import mirror_once
from fieldsurvey.hq.rebuild import rebuild_archive
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.hq.serve import _check_mirror_disk
from fieldsurvey.hq.shelf import Folder, Shelf
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.hq.verify import verify
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.batch import SealedBatch
from fieldsurvey.wire.bundle import write_bundle
from fieldsurvey.wire.rows import SCHEMA
from tests.support.asgi import call
from tests.support.hq_landing import land
from tests.support.hq_rows import payload_of
from tests.support.hq_server import batch_path, enrolled, make_home
from tests.support.hq_values import Laptop
from tests.support.s3_storage import Storage, s3_storage


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with s3_storage() as one:
        yield one


@pytest.fixture
def home(storage: Storage, tmp_path: Path) -> Home:
    """An HQ that has nothing but ledger and keys on its own disk."""
    bucket = storage.new_bucket()
    return make_home(
        tmp_path / "hq",
        raw=f"s3://{bucket}/kz/raw",
        archive=f"s3://{bucket}/kz/archive",
        s3_endpoint_url=storage.endpoint_url,
    )


@pytest.fixture
def station(home: Home) -> Iterator[Station]:
    with open_station(home, SystemClock()) as one:
        yield one


@pytest.fixture
def laptop(home: Home) -> Laptop:
    return enrolled(home)[0]


def _measured(laptop: Laptop, first: int = 1) -> SealedBatch:
    return laptop.seal(20, payload_of(20, first), SCHEMA)


def _bucket(home: Home) -> str:
    return home.settings.raw.split("/")[2]


def _merge(station: Station) -> None:
    home = station.home
    merge_once(station.ledger, home.raw_shelf(), home.archive_shelf())


def _rows(station: Station) -> list[tuple[object, ...]]:
    """What the archive says of seconds, whatever files it is in."""
    archive = Archive(station.home.archive_shelf())
    frames = [archive.read(file) for file in station.ledger.archive_files("samples")]
    return sorted(pl.concat(frames).rows(), key=repr)


def _findings(station: Station) -> list[str]:
    return [one.id for one in verify(station).findings]


# What a shelf promises


@pytest.fixture(params=["folder", "bucket"])
def shelf(request: pytest.FixtureRequest, storage: Storage, tmp_path: Path) -> Shelf:
    (tmp_path / "local").mkdir()
    if request.param == "folder":
        return Folder(tmp_path / "local")
    url = f"s3://{storage.new_bucket()}/some/where"
    return Bucket(url, storage.endpoint_url, tmp_path / "local", 1_000_000)


def _take(shelf: Shelf, name: str, content: bytes) -> None:
    draft = shelf.local / "draft"
    draft.write_bytes(content)
    shelf.take(draft, name)
    assert not draft.exists()


def test_a_shelf_gives_back_what_it_took(shelf: Shelf) -> None:
    assert shelf.folders() == []
    assert list(shelf.items("a")) == []
    before_us = time.time_ns() // 1000 - 2_000_000  # S3 knows whole seconds
    for name in ("b/1/x", "a/2/y", "a/1/z"):
        _take(shelf, name, name.encode())
    _take(shelf, "a/1/z", b"another")
    assert shelf.folders() == ["a", "b"]
    assert shelf.read("a/1/z") == b"another"
    digest = hashlib.sha256(b"another").hexdigest()
    assert shelf.digest("a/1/z") == digest
    assert shelf.fetch("a/1/z", digest).read_bytes() == b"another"
    items = list(shelf.items("a"))
    assert [one.name for one in items] == ["a/1/z", "a/2/y"]
    assert all(before_us < one.put_utc_us < before_us + 60_000_000 for one in items)
    assert list(shelf.items("a", before_us + 60_000_000)) == []


def test_a_shelf_says_what_is_not_there(shelf: Shelf) -> None:
    _take(shelf, "a/1/x", b"x")
    shelf.remove("a/1/x")
    shelf.remove("a/1/x")
    assert shelf.digest("a/1/x") is None
    with pytest.raises(FileNotFoundError):
        shelf.read("a/1/x")
    with pytest.raises(FileNotFoundError):
        shelf.fetch("a/1/x", "").read_bytes()


def test_what_is_touched_is_young_again(shelf: Shelf) -> None:
    _take(shelf, "a/1/x", b"x")
    if isinstance(shelf, Folder):
        os.utime(shelf.local / "a/1/x", (1, 1))
    else:
        time.sleep(1.1)  # S3 knows whole seconds
    (before,) = shelf.items("a")
    shelf.touch("a/1/x")
    (after,) = shelf.items("a")
    assert after.put_utc_us > before.put_utc_us
    assert shelf.read("a/1/x") == b"x"


# The whole way


def test_from_the_laptop_to_a_verified_archive(
    storage: Storage, station: Station, laptop: Laptop
) -> None:
    home = station.home
    sealed = [_measured(laptop, 1 + 20 * n) for n in range(3)]
    for one in sealed:
        land(station, one)
    _merge(station)
    rows = _rows(station)
    assert len(rows) == 60
    assert _findings(station) == []
    held = storage.objects(_bucket(home))
    raw = {key: content for key, content in held.items() if key.startswith("kz/raw/")}
    assert sorted(raw.values()) == sorted(one.content for one in sealed)
    assert not home.raw.exists()
    assert not home.archive.exists()

    (key, *_) = raw
    storage.put(_bucket(home), key, raw[key][:-1] + b"\0")
    assert _findings(station) == ["hq.finding_file"]
    storage.remove(_bucket(home), key)
    assert _findings(station) == ["hq.finding_file_missing"]
    storage.put(_bucket(home), key, raw[key])
    storage.put(_bucket(home), key.replace("/0-", "/9-"), raw[key])
    assert _findings(station) == ["hq.finding_unledgered"]
    storage.remove(_bucket(home), key.replace("/0-", "/9-"))

    (file, *_) = station.ledger.archive_files("samples")
    storage.put(_bucket(home), f"kz/archive/{file.path}", b"changed")
    assert _findings(station) == ["hq.finding_archive"]  # though the cache has it as it was

    emptied = [name for name in held if name.startswith("kz/archive/")]
    for name in emptied:
        storage.remove(_bucket(home), name)
    assert rebuild_archive(home, lambda _: None) == station.ledger.counts().archive_rows
    assert _findings(station) == []
    assert _rows(station) == rows
    assert emptied == [k for k in storage.objects(_bucket(home)) if k.startswith("kz/archive/")]


def test_a_bucket_out_of_reach_costs_time_and_nothing_else(
    storage: Storage, station: Station, laptop: Laptop
) -> None:
    one = _measured(laptop)
    app = create_app(station, Bodies(20.0))
    given = {"authorization": f"Bearer {laptop.token}"}

    def put() -> tuple[int, str | None]:
        answer = asyncio.run(call(app, "PUT", batch_path(one), given, one.content))
        return answer.status, answer.headers.get("retry-after")

    with storage.down():
        status, retry_after = put()
        assert status == 503
        assert int(retry_after or 0) > 0
        assert list(station.home.spool.iterdir()) == []
        assert station.ledger.history.size() == 0
    assert put() == (201, None)
    assert put() == (200, None)
    assert list(storage.objects(_bucket(station.home)).values()) == [one.content]

    with storage.down():
        for look in (lambda: _merge(station), lambda: verify(station)):
            with pytest.raises(KnownError) as trouble:
                look()
            assert trouble.value.message.id == "hq.no_storage"
    assert station.ledger.counts().waiting == 1  # and not set aside as damaged
    _merge(station)
    assert len(_rows(station)) == 20


class _CrashError(BaseException):
    """As if the process had ended here."""


def test_what_lies_in_the_bucket_before_the_ledger_knows_is_taken_in(
    station: Station, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise _CrashError

    one = _measured(laptop)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", crash)
        with pytest.raises(_CrashError):
            land(station, one)
    assert station.ledger.history.size() == 0
    with open_station(station.home, SystemClock()) as again:
        tidied = tidy(again.home, again.ledger, again.landing, again.clock.utc_us)
        assert (tidied.adopted, tidied.foreign, tidied.damaged) == (1, (), ())
        (row,) = again.ledger.batch_rows()
        assert abs(row.received_utc_us - time.time_ns() // 1000) < 60_000_000
        assert land(again, one).replay
        assert _findings(again) == []


def test_what_reads_otherwise_than_it_was_put_gets_no_receipt(
    station: Station, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = _measured(laptop)
    with monkeypatch.context() as patched:
        read = Bucket.read
        patched.setattr(Bucket, "read", lambda *given: read(*given)[:-1])
        with pytest.raises(Refusal) as refused:
            land(station, one)
    assert (refused.value.status, refused.value.code) == (503, "storage")
    assert station.ledger.history.size() == 0
    assert not land(station, one).replay


def test_a_bucket_that_is_gone_is_not_batches_that_are_damaged(
    storage: Storage, station: Station, laptop: Laptop
) -> None:
    land(station, _measured(laptop))
    gone = Bucket("s3://no-such-bucket/x", storage.endpoint_url, station.home.folder, 0)
    with pytest.raises(KnownError) as trouble:
        merge_once(station.ledger, gone, station.home.archive_shelf())
    assert trouble.value.message.id == "hq.no_storage"
    assert station.ledger.counts().waiting == 1
    for ask in (gone.folders, lambda: list(gone.items("a")), lambda: gone.remove("a/b/c")):
        with pytest.raises(KnownError):
            ask()


def test_a_merge_killed_before_the_manifest_leaves_orphans_for_later(
    station: Station, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise _CrashError

    land(station, _measured(laptop))
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "swap_archive", crash)
        with pytest.raises(_CrashError):
            _merge(station)
    land(station, _measured(laptop, 21))
    _merge(station)
    shelf = station.home.archive_shelf()
    named = {file.path for file in station.ledger.archive_files()}
    orphans = {one.name for table in shelf.folders() for one in shelf.items(table)} - named
    assert orphans
    assert Archive(shelf).remove_orphans(named) == 0
    assert Archive(shelf).remove_orphans(named, older_than_s=-5) == len(orphans)
    assert {one.name for table in shelf.folders() for one in shelf.items(table)} == named
    assert len(_rows(station)) == 40


def test_a_batch_that_was_changed_in_the_bucket_is_set_aside(
    storage: Storage, station: Station, laptop: Laptop
) -> None:
    land(station, _measured(laptop))
    shutil.rmtree(station.home.folder / "cache")
    station.home.archive_shelf()
    (key,) = storage.objects(_bucket(station.home))
    storage.put(_bucket(station.home), key, b"changed")
    _merge(station)
    assert station.ledger.counts().quarantined == 1


class _HangsUp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


def test_an_answer_that_breaks_off_is_trouble_and_not_an_object(
    storage: Storage, tmp_path: Path
) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _HangsUp) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            shelf = Bucket("s3://any", f"http://127.0.0.1:{server.server_address[1]}", tmp_path, 0)
            with pytest.raises(KnownError) as trouble:
                shelf.read("a/b/c")
        finally:
            server.shutdown()
            thread.join()
    assert trouble.value.message.id == "hq.no_storage"


# The cache


def test_what_is_in_the_cache_is_not_asked_for_again(
    storage: Storage, station: Station, laptop: Laptop
) -> None:
    land(station, _measured(laptop))
    (key,) = storage.objects(_bucket(station.home))
    storage.remove(_bucket(station.home), key)
    _merge(station)
    assert len(_rows(station)) == 20
    assert _findings(station) == ["hq.finding_file_missing"]


def test_the_cache_never_holds_what_was_changed(storage: Storage, tmp_path: Path) -> None:
    bucket = storage.new_bucket()
    shelf = Bucket(f"s3://{bucket}/a", storage.endpoint_url, tmp_path, 1_000_000)
    storage.put(bucket, "a/t/d/f", b"changed")
    with pytest.raises(OSError, match="not what was put there"):
        shelf.fetch("t/d/f", hashlib.sha256(b"was").hexdigest())
    assert list(tmp_path.rglob("*")) == []


def test_the_cache_has_room_for_what_was_used_last(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "_ROOM_EVERY_S", 0.0)
    bucket = storage.new_bucket()
    shelf = Bucket(f"s3://{bucket}/a", storage.endpoint_url, tmp_path, 250)
    digest = hashlib.sha256(bytes(100)).hexdigest()
    paths = []
    for number, age_s in enumerate((9_000, 8_000, 100, 0)):
        storage.put(bucket, f"a/t/d/{number}", bytes(100))
        path = shelf.fetch(f"t/d/{number}", digest)
        os.utime(path, (time.time() - age_s,) * 2)
        paths.append(path)
    storage.put(bucket, "a/t/d/more", bytes(100))
    shelf.fetch("t/d/more", digest)
    # Beyond its size, but somebody may have been reading the last ones a moment ago.
    assert [path.exists() for path in paths] == [False, False, True, True]


# What the operator says


@pytest.mark.parametrize(
    "given",
    [
        {"raw": "/mnt/raw"},
        {"raw": "file:///mnt/raw"},
        {"archive": "s3://key:secret@bucket/x"},
        {"archive": "s3://bucket/x?y"},
        {"raw": "s3://bucket", "s3_endpoint_url": "http://key:secret@host"},
        {"raw_is_replicated": True},
    ],
)
def test_settings_that_promise_too_much_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(reversed(given))):
        Settings("hq", **given)  # type: ignore[arg-type]


def test_the_commands_know_buckets(storage: Storage, tmp_path: Path) -> None:
    def hq(*words: object) -> str:
        shell = Shell(lambda _: 0, lambda: False, lambda: None, language="en")
        done = CliRunner().invoke(command, [str(word) for word in words], obj=shell)
        assert done.exit_code == 0, done.output
        return done.stdout

    folder, url = tmp_path / "hq", f"s3://{storage.new_bucket()}"
    hq(
        "init", folder, "--raw", f"{url}/raw", "--archive", f"{url}/archive",
        "--s3-endpoint", storage.endpoint_url, "--raw-is-replicated",
    )  # fmt: skip
    home = Home.open(folder)
    assert home.settings.raw == f"{url}/raw"
    (laptop,) = enrolled(home)
    write_bundle(tmp_path / "stick.fspb", [_measured(laptop).content])
    hq("import", folder, tmp_path / "stick.fspb")
    hq("rebuild", folder)
    counts = json.loads(hq("status", folder, "--json"))["counts"]
    assert (counts["merged"], counts["archive_rows"]) == (1, 20)
    assert json.loads(hq("verify", folder, "--json"))["archive_files"] == counts["archive_files"]


def test_two_hqs_do_not_share_a_place(storage: Storage, home: Home, tmp_path: Path) -> None:
    storage.put(_bucket(home), "kz/archive/samples/all/x", b"of another HQ")
    with pytest.raises(KnownError) as refused:
        make_home(
            tmp_path / "second",
            archive=home.settings.archive,
            s3_endpoint_url=storage.endpoint_url,
        )
    assert refused.value.message.id == "hq.home_exists"
    assert list((tmp_path / "second").iterdir()) == []


def test_without_its_parts_it_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(KnownError) as told:
        home.raw_shelf()
    assert told.value.message.id == "hq.no_s3"


@pytest.mark.parametrize(
    ("settings", "at_once", "after_mirroring"),
    [
        ({}, -1, -1),
        ({"raw_is_replicated": True}, 0, 0),
        ({"mirror": "second", "raw_is_replicated": True}, -1, 0),
    ],
)
def test_a_batch_is_durable_when_the_operator_has_a_reason_to_say_so(
    storage: Storage,
    tmp_path: Path,
    settings: dict[str, object],
    at_once: int,
    after_mirroring: int,
) -> None:
    second = tmp_path / "second"
    second.mkdir()
    if "mirror" in settings:
        settings = settings | {"mirror": str(second)}
    raw = f"s3://{storage.new_bucket()}"
    given = {"raw": raw, "s3_endpoint_url": storage.endpoint_url, "durable_without_mirror": False}
    home = make_home(tmp_path / "hq", **given, **settings)
    (laptop,) = enrolled(home)
    one = _measured(laptop)
    with open_station(home, SystemClock()) as station:
        land(station, one)
        assert _durable_upto(station, laptop) == at_once
        if home.settings.mirror:
            _check_mirror_disk(home)  # any disk will do: the bucket is elsewhere
            mirror_once(station.ledger, home.raw_shelf(), second, frozenset())
            assert [path.read_bytes() for path in second.rglob("*.fsb")] == [one.content]
        assert _durable_upto(station, laptop) == after_mirroring


def _durable_upto(station: Station, laptop: Laptop) -> int:
    state = station.ledger.epoch_state(
        laptop.device,
        laptop.epoch,
        durable_without_mirror=station.home.settings.durable_on_one_disk,
        checkpoint_note="",
    )
    return state.durable_upto
