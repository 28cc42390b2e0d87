"""What HQ gives back, asked for by a plain client over a real socket."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fieldsurvey.hq import issuing
from fieldsurvey.hq.ledger_records import ArchiveFile
from fieldsurvey.hq.ledger_tables import issued, meta
from fieldsurvey.hq.rebuild import rebuild_ledger
from fieldsurvey.hq.station import open_station
from fieldsurvey.hq.verify import verify
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.checkpoint import checkpoint_from
from fieldsurvey.wire.issued import IssuedKind, IssuedList, SignedIssued
from tests.support.hq_archive import DAY_US, frame, put_into, revoke, someone
from tests.support.hq_server import Server, make_home, running
from tests.support.hq_values import Laptop

LIST, ISSUED = "/v1/archive/files", "/v1/issued"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(make_home(tmp_path_factory.mktemp("hq") / "hq"), "--no-merge") as one:
        yield one


@pytest.fixture(scope="module")
def supervisor(server: Server) -> Laptop:
    return someone(server.home, "supervisor")


@pytest.fixture(scope="module")
def surveyor(server: Server) -> Laptop:
    return someone(server.home, "device")


@pytest.fixture(scope="module")
def file(server: Server) -> ArchiveFile:
    drive = {"drive_id": "one", "ts_utc_us": 20_000 * DAY_US, "plan_name": "north"}
    (one,) = put_into(server.home, {"drives": frame("drives", [drive])})
    return one


def _publish(server: Server, folder: Path, text: str, name: str = "north") -> tuple[str, int]:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    with open_station(server.home, SystemClock()) as station:
        one, _ = issuing.publish(station, path, IssuedKind.PLAN, name)
    return one.sha256, one.version


def test_a_supervisor_gets_the_archives_files(
    server: Server, supervisor: Laptop, file: ArchiveFile
) -> None:
    answer = server.ask("GET", f"{LIST}?campaign=north&area=0,0,1,1", token=supervisor.token)
    document = json.loads(answer.body)
    assert answer.status == 200
    assert document["files"] == [
        {
            "path": file.path,
            "table": "drives",
            "day": "2024-10-04",
            "sha256": file.sha256,
            "rows": 1,
            "rows_asked_at_most": 1,
            "bytes": file.bytes,
        }
    ]
    key = server.home.key().public_key()
    assert checkpoint_from(document["checkpoint"], key).size >= document["log_size"]

    got = server.ask("GET", f"{LIST}/{file.sha256}", token=supervisor.token)
    assert (got.status, hashlib.sha256(got.body).hexdigest()) == (200, file.sha256)


def test_the_list_is_never_newer_than_the_log_it_comes_with(
    server: Server, supervisor: Laptop
) -> None:
    """A note of the log may be some seconds old, and batches come meanwhile."""
    key, laptop = server.home.key().public_key(), someone(server.home, "device")
    for number in range(2):
        assert server.put(laptop, laptop.seal()).receipt(key).receipt.batch_no == number
        offer = json.loads(server.ask("GET", LIST, token=supervisor.token).body)
        assert checkpoint_from(offer["checkpoint"], key).size >= offer["log_size"] > number


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-", 206, slice(0, None)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=7-7", 206, slice(7, 8)),
        ("bytes=5-999999999", 206, slice(5, None)),
        ("bytes=-5", 200, slice(0, None)),  # a form that is not understood is not there
        ("bytes=1-2,4-5", 200, slice(0, None)),
        ("bytes=99999999-", 416, None),
        ("bytes=9-8", 416, None),
    ],
)
def test_the_rest_of_a_file(
    server: Server,
    supervisor: Laptop,
    file: ArchiveFile,
    wanted: str,
    status: int,
    part: slice | None,
) -> None:
    path = f"{LIST}/{file.sha256}"
    got = server.ask("GET", path, token=supervisor.token, headers={"Range": wanted})
    assert got.status == status
    if part is None:
        assert got.code == "range"
        return
    content = (server.home.archive / file.path).read_bytes()
    assert got.body == content[part]
    if status == 206:
        last = (part.stop or len(content)) - 1
        given = {name.lower(): value for name, value in got.headers.items()}
        assert given["content-range"] == f"bytes {part.start}-{last}/{len(content)}"


def test_who_gets_what(
    server: Server, supervisor: Laptop, surveyor: Laptop, file: ArchiveFile
) -> None:
    gone = someone(server.home, "supervisor")
    revoke(server.home, gone)
    for path in (LIST, f"{LIST}/{file.sha256}"):
        refused = server.ask("GET", path, token=surveyor.token)
        assert (refused.status, refused.code) == (403, "role")
    for path in (LIST, f"{LIST}/{file.sha256}", ISSUED, f"{ISSUED}/{'0' * 64}"):
        assert server.ask("GET", path).status == 401
        refused = server.ask("GET", path, token=gone.token)
        assert (refused.status, refused.code) == (403, "revoked")
    assert server.ask("GET", ISSUED, token=surveyor.token).status == 200


def test_only_what_the_manifest_names_is_given(
    server: Server, supervisor: Laptop, file: ArchiveFile
) -> None:
    event = {"drive_id": "one", "ts_utc_us": 20_000 * DAY_US}
    (one,) = put_into(server.home, {"events": frame("events", [event])})
    path = f"{LIST}/{one.sha256}"
    assert server.ask("GET", path, token=supervisor.token).status == 200
    put_into(server.home, {}, [one.path])
    assert (server.home.archive / one.path).exists()
    answer = server.ask("GET", path, token=supervisor.token)
    assert (answer.status, answer.code) == (404, "no_such_file")


@pytest.mark.parametrize("query", ["from=1", "area=1,2,3", "area=3,0,1,1", "table=pieces"])
def test_what_cannot_be_asked(server: Server, supervisor: Laptop, query: str) -> None:
    assert server.ask("GET", f"{LIST}?{query}", token=supervisor.token).status == 422


def test_versions_of_a_name_rise_and_all_are_signed(
    server: Server, surveyor: Laptop, tmp_path: Path
) -> None:
    first, one = _publish(server, tmp_path, 'name = "a"')
    assert _publish(server, tmp_path, 'name = "a"') == (first, one)
    second, two = _publish(server, tmp_path, 'name = "b"')
    again, three = _publish(server, tmp_path, 'name = "a"')
    assert (one, two, three, again) == (1, 2, 3, first)

    answer = server.ask("GET", ISSUED, token=surveyor.token)
    (newest,) = [signed for signed in _list(answer.body) if signed.issued.name == "north"]
    newest.verify(server.home.key().public_key())
    assert (newest.issued.version, newest.issued.sha256) == (3, first)
    got = server.ask("GET", f"{ISSUED}/{second}", token=surveyor.token)
    assert got.body == b'name = "b"'
    got = server.ask(
        "GET", f"{ISSUED}/{second}", token=surveyor.token, headers={"Range": "bytes=7-"}
    )
    assert (got.status, got.body) == (206, b'"b"')
    assert server.ask("GET", f"{ISSUED}/{'0' * 64}", token=surveyor.token).status == 404


def _list(body: bytes) -> tuple[SignedIssued, ...]:

    return msgspec.json.decode(body, type=IssuedList).issued


def test_a_new_ledger_goes_on_counting(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq")
    plan = tmp_path / "plan.toml"
    plan.write_text("a", encoding="utf-8")
    with open_station(home, SystemClock()) as station:
        issuing.publish(station, plan, IssuedKind.PLAN, "north")
        audit = station.ledger.history.audit_rows()
        assert [row.what for row in audit] == ["issued"]
    rebuild_ledger(home)
    plan.write_text("b", encoding="utf-8")
    with open_station(home, SystemClock()) as station:
        one, is_new = issuing.publish(station, plan, IssuedKind.PLAN, "north")
        assert (one.version, is_new) == (2, True)
        assert verify(station).findings == []
        (home.issued / "files" / one.sha256).write_text("c", encoding="utf-8")
        assert [found.id for found in verify(station).findings] == ["hq.finding_issued"]
        with pytest.raises(KnownError):
            issuing.publish(station, plan, IssuedKind.PLAN, "../north")


def test_a_ledger_of_the_release_before_learns_to_issue(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq")
    ledger = home.ledger()
    with ledger.database.write() as connection:
        issued.drop(connection)
        connection.execute(meta.update().where(meta.c.name == "schema_version").values(value="1"))
    ledger.close()
    plan = tmp_path / "plan.toml"
    plan.write_text("a", encoding="utf-8")
    for version in (1, 2):
        plan.write_text(f"{version}", encoding="utf-8")
        with open_station(home, SystemClock()) as station:
            one, _ = issuing.publish(station, plan, IssuedKind.PLAN, "north")
            assert one.version == version
            assert issuing.newest(station)[0].issued == one
