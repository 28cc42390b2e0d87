"""HQ's server as a laptop meets it: a real process, real sockets, nothing taken for granted."""

import base64
import hashlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fieldsurvey.hq.devices import Devices
from fieldsurvey.wire.answers import PROTOCOL
from fieldsurvey.wire.batch import SealedBatch
from fieldsurvey.wire.checkpoint import checkpoint_from
from fieldsurvey.wire.keys import base64_text, public_key_text, sign
from fieldsurvey.wire.merkle import leaf_hash, root_hash, verify_consistency, verify_inclusion
from fieldsurvey.wire.receipt import ReceiptState
from fieldsurvey.wire.rows import SCHEMA
from tests.support.hq_rows import payload_of
from tests.support.hq_server import (
    Server,
    batch_path,
    enrolled,
    make_home,
    put_head,
    running,
)
from tests.support.hq_values import Laptop


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(make_home(tmp_path_factory.mktemp("hq") / "hq"), "--no-merge") as one:
        yield one


@pytest.fixture
def laptop(server: Server) -> Laptop:
    return enrolled(server.home)[0]


def _devices(server: Server) -> Iterator[Devices]:
    ledger = server.home.ledger()
    yield ledger.devices
    ledger.close()


devices = pytest.fixture(_devices)


def _raw_file(server: Server, one: SealedBatch) -> Path:
    header = one.header
    name = f"{header.batch_no}-{one.sha256[:16]}.fsb"
    return server.home.raw / header.device / header.epoch / name


def _rows_in_ledger(server: Server, one: SealedBatch) -> int:
    ledger = server.home.ledger()
    try:
        rows = ledger.epoch_rows(one.header.device, one.header.epoch)
    finally:
        ledger.close()
    return sum(row.sha256 == one.sha256 for row in rows)


def test_hello_says_what_is_spoken(server: Server) -> None:
    answer = server.ask("GET", "/v1/hello")
    document = json.loads(answer.body)
    assert answer.status == 200
    assert document["protocols"] == [PROTOCOL]
    assert document["schemas"] == [SCHEMA]
    assert document["receipt_key"] == public_key_text(server.home.key().public_key())
    assert abs(document["time_utc_us"] / 1e6 - time.time()) < 60
    assert document["max_batch_bytes"] >= 1024 * 1024


def test_a_batch_lands_once_and_gets_the_same_receipt_for_ever(
    server: Server, laptop: Laptop
) -> None:
    one = laptop.seal(3, payload_of(3), SCHEMA)
    first = server.put(laptop, one)
    again = server.put(laptop, one)

    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    receipt = first.receipt(server.home.key().public_key()).receipt
    assert receipt.state is ReceiptState.LANDED
    assert (receipt.device, receipt.epoch, receipt.batch_no) == (laptop.device, laptop.epoch, 0)
    assert (receipt.sha256, receipt.rows) == (one.sha256, 3)
    assert _raw_file(server, one).read_bytes() == one.content
    assert _rows_in_ledger(server, one) == 1


def test_twenty_at_once_are_one(server: Server, laptop: Laptop) -> None:
    one = laptop.seal(payload=bytes(90_000))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: server.put(laptop, one), range(20)))
    assert {answer.body for answer in answers} == {answers[0].body}
    assert sorted(answer.status for answer in answers) == [200] * 19 + [202]
    assert _rows_in_ledger(server, one) == 1
    assert list(server.home.spool.iterdir()) == []
    assert [path.name for path in _raw_file(server, one).parent.iterdir()] == [
        _raw_file(server, one).name
    ]


@pytest.mark.parametrize(
    ("rows", "payload", "schema", "code"),
    [
        (3, b"not parquet", SCHEMA, "payload"),
        (4, payload_of(3), SCHEMA, "rows"),
        (3, b"whatever comes", "rows/99", "schema"),
        (3, b"", "test/1", "schema"),
    ],
)
def test_what_is_not_understood_is_held_and_told(
    server: Server, laptop: Laptop, rows: int, payload: bytes, schema: str, code: str
) -> None:
    one = laptop.seal(rows, payload, schema)
    answer = server.put(laptop, one)
    assert answer.status == 202
    receipt = answer.receipt(server.home.key().public_key()).receipt
    assert receipt.state is ReceiptState.QUARANTINED
    assert _raw_file(server, one).read_bytes() == one.content
    (told,) = server.state(laptop)["quarantined"]  # type: ignore[misc]
    assert (told["batch_no"], told["code"]) == (0, code)


def test_other_bytes_of_one_number_are_held_too_and_told(server: Server, laptop: Laptop) -> None:
    first, other = laptop.sealed(0, 1, 10, b"one"), laptop.sealed(0, 1, 10, b"two")
    server.put(laptop, first)
    answer = server.put(laptop, other)
    assert answer.status == 202
    receipt = answer.receipt(server.home.key().public_key()).receipt
    assert receipt.state is ReceiptState.CONFLICT
    for one in (first, other):
        assert _raw_file(server, one).read_bytes() == one.content


def test_state_tells_what_is_held(server: Server, laptop: Laptop) -> None:
    sealed = [laptop.seal() for _ in range(4)]
    assert server.state(laptop)["have"] == []
    for n in (0, 1, 3):
        server.put(laptop, sealed[n])
    state = server.state(laptop)
    assert state["have"] == [[0, 1], [3, 3]]
    assert state["durable_upto"] == 1
    note = str(state["checkpoint"])
    assert checkpoint_from(note, server.home.key().public_key()).origin.startswith("hq.test/")


def test_the_log_proves_itself(server: Server, laptop: Laptop) -> None:
    key = server.home.key().public_key()
    signed = [server.put(laptop, laptop.seal()).receipt(key) for _ in range(3)]
    deadline = time.monotonic() + 10
    while True:  # a checkpoint may be some seconds old
        note = server.ask("GET", "/v1/log/checkpoint").body.decode()
        later = checkpoint_from(note, key)
        if later.size > signed[-1].receipt.log_index or time.monotonic() > deadline:
            break
        time.sleep(0.2)

    receipt = signed[1].receipt
    path = f"/v1/log/inclusion?index={receipt.log_index}&size={later.size}"
    hashes = json.loads(server.ask("GET", path).body)["hashes"]
    proof = [bytes.fromhex(text) for text in hashes]
    leaf = leaf_hash(receipt.leaf())
    verify_inclusion(receipt.log_index, later.size, leaf, proof, later.root)

    path = f"/v1/log/consistency?first={later.size - 1}&size={later.size}"
    hashes = json.loads(server.ask("GET", path).body)["hashes"]
    ledger = server.home.ledger()
    leaves = ledger.history.leaves(0, later.size)
    ledger.close()
    before = root_hash(leaves[:-1])
    proof = [bytes.fromhex(text) for text in hashes]
    verify_consistency(later.size - 1, before, later.size, later.root, proof)

    answer = server.ask("GET", f"/v1/log/consistency?first=0&size={10**9}")
    assert (answer.status, answer.code) == (404, "no_such_tree")


def _enrol(
    server: Server, who: Laptop, code: str, signed: str | None = None
) -> tuple[int, dict[str, str]]:
    signature = sign(who.key, "enrolment", (code if signed is None else signed).encode())
    request = {
        "code": code,
        "public_key": who.public_key,
        "signature": base64_text(signature),
    }
    headers = {"Content-Type": "application/json"}
    answer = server.ask("POST", "/v1/enrol", json.dumps(request).encode(), headers=headers)
    return answer.status, json.loads(answer.body)


def test_a_code_enrols_one_key_once(server: Server, devices: Devices) -> None:
    code = devices.new_code("device", 1.0, time.time_ns() // 1000)
    laptop = Laptop()

    status, refused = _enrol(server, laptop, code, signed="another code")
    assert (status, refused["code"]) == (422, "signature")
    status, first = _enrol(server, laptop, code)
    assert status == 200
    assert first["receipt_key"] == public_key_text(server.home.key().public_key())
    status, second = _enrol(server, laptop, code)  # the answer was lost
    assert (status, second["device"]) == (200, first["device"])
    status, refused = _enrol(server, Laptop(), code)
    assert (status, refused["code"]) == (403, "code")
    status, refused = _enrol(server, Laptop(), "AAAAA-AAAAA")
    assert (status, refused["code"]) == (403, "code")

    laptop.device, laptop.token = second["device"], second["token"]
    assert server.put(laptop, laptop.seal()).status == 202
    laptop.token = first["token"]
    assert server.put(laptop, laptop.seal()).code == "unknown_token"


def test_an_old_code_enrols_nobody(server: Server, devices: Devices) -> None:
    two_hours_ago = time.time_ns() // 1000 - 2 * 3_600_000_000
    code = devices.new_code("device", 1.0, two_hours_ago)
    status, refused = _enrol(server, Laptop(), code)
    assert (status, refused["code"]) == (403, "code")


def test_nobody_comes_in_without_a_token_that_is_valid(
    server: Server, laptop: Laptop, devices: Devices
) -> None:
    one = laptop.seal()
    assert server.put(laptop, one, token="").status == 401
    assert server.put(laptop, one, token="wrong").code == "unknown_token"
    path = f"/v1/devices/{laptop.device}/epochs/{laptop.epoch}/state"
    supervisor = Laptop()
    code = devices.new_code("supervisor", 1.0, 0)
    now_utc_us = 1  # the token is as old as the code; only the test's clock says so
    _, token = devices.enrol(code, supervisor.public_key, now_utc_us)
    assert server.ask("GET", path, token=token).code == "token_expired"
    assert not _raw_file(server, one).exists()


def test_any_device_may_bring_what_another_sealed(
    server: Server, laptop: Laptop, devices: Devices
) -> None:
    (courier,) = enrolled(server.home)
    one, path = laptop.seal(), f"/v1/devices/{laptop.device}/epochs/{laptop.epoch}/state"
    brought = server.put(laptop, one, token=courier.token)
    assert brought.status == 202  # "test/1" is no schema that HQ knows
    assert server.ask("GET", path, token=courier.token).status == 200
    assert server.put(laptop, one).status == 200
    answer = server.put(Laptop(), Laptop().seal(), token=courier.token)
    assert answer.status == 422


def test_a_revoked_device_is_not_let_in(server: Server, laptop: Laptop, devices: Devices) -> None:
    held = laptop.seal()
    server.put(laptop, held)
    devices.revoke(laptop.device, time.time_ns() // 1000)
    for one in (held, laptop.seal()):
        answer = server.put(laptop, one)
        assert (answer.status, answer.code) == (403, "revoked")
    assert _raw_file(server, held).exists()


def test_what_a_revoked_device_sealed_is_kept_and_waits_for_an_operator(
    server: Server, laptop: Laptop, devices: Devices
) -> None:
    (courier,) = enrolled(server.home)
    now_utc_us = time.time_ns() // 1000
    devices.revoke(laptop.device, now_utc_us)
    one = laptop.seal(10, payload_of(10), "rows/1")
    assert server.put(laptop, one, token=courier.token).status == 202
    ledger = server.home.ledger()
    try:
        waiting = [batch.sha256 for batch in ledger.unmerged(99)]
        assert one.sha256 not in waiting
        assert ledger.accept_revoked(laptop.device, now_utc_us) == 1
        assert [batch.sha256 for batch in ledger.unmerged(99)] == [*waiting, one.sha256]
    finally:
        ledger.close()


def test_damage_on_the_way_is_refused_and_leaves_nothing(server: Server, laptop: Laptop) -> None:
    one = laptop.seal(payload=bytes(200_000))
    content = one.content
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    headers = {"Content-Digest": f"sha-256=:{digest}:"}
    path, token = batch_path(one), laptop.token
    for body, given, status, code in (
        (bytes(flipped), {}, 422, "payload"),
        (bytes(flipped), headers, 400, "digest"),
        (content[:-1], {}, 422, "payload"),
        (content[:20], {}, 422, "framing"),
        (content + b"x", {}, 422, "payload"),
        (b"", {}, 422, "framing"),
        (b"<html>", {}, 422, "framing"),
        (content, {"Content-Digest": "sha-256=:####:"}, 400, "digest"),
        (content, {"Content-Digest": "sha-256=::"}, 400, "digest"),
    ):
        answer = server.ask("PUT", path, body, token, given)
        assert (answer.status, answer.code) == (status, code)
    assert not _raw_file(server, one).exists()
    assert list(server.home.spool.iterdir()) == []
    assert server.ask("PUT", path, content, token, headers).status == 202
    other = {"Content-Digest": "sha-512=:AAAA:"}
    assert server.ask("PUT", path, content, token, other).status == 200


def test_anothers_signature_or_number_is_refused(server: Server, laptop: Laptop) -> None:
    forger = Laptop(device=laptop.device, token=laptop.token)
    answer = server.put(laptop, forger.seal())
    assert (answer.status, answer.code) == (422, "signature")

    one = laptop.seal()
    path = batch_path(one).replace("/batches/0", "/batches/1")
    answer = server.ask("PUT", path, one.content, laptop.token)
    assert (answer.status, answer.code) == (422, "ids")


def test_more_than_is_taken_is_refused_early(server: Server, laptop: Laptop) -> None:
    most = server.home.settings.max_batch_bytes
    one = laptop.seal()
    with server.socket() as connection:  # told before a byte of it is sent
        connection.sendall(put_head(one, laptop.token, most + 1))
        assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]
    head = put_head(one, laptop.token, 0)
    chunked = head.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    with server.socket() as connection:
        connection.sendall(chunked)
        chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
        try:
            for _ in range(most // 0x100000 + 8):
                connection.sendall(chunk)
        except OSError:
            pass  # closed on us: refused
        answer = _received(connection)
        assert answer == b"" or b" 413 " in answer.split(b"\r\n")[0]
    assert list(server.home.spool.iterdir()) == []
    assert server.put(laptop, one).status == 202


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""


def test_a_body_that_is_cut_off_leaves_nothing(server: Server, laptop: Laptop) -> None:
    one = laptop.seal(payload=bytes(300_000))
    for part in (1_000, 200_000):
        with server.socket() as connection:
            connection.sendall(put_head(one, laptop.token, len(one.content)))
            connection.sendall(one.content[:part])
    deadline = time.monotonic() + 10
    while list(server.home.spool.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(server.home.spool.iterdir()) == []
    assert not _raw_file(server, one).exists()
    assert server.put(laptop, one).status == 202


def test_a_batch_as_large_as_is_taken_lands(server: Server, laptop: Laptop) -> None:
    most = server.home.settings.max_batch_bytes
    overhead = len(laptop.sealed(0, 1, 10, b"").content)
    one = laptop.seal(payload=bytes(most - overhead))
    assert len(one.content) <= most
    assert server.put(laptop, one).status == 202
    assert _raw_file(server, one).read_bytes() == one.content


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("DELETE", "/v1/hello", 405),
        ("GET", "/v1/hello/", 404),
        ("GET", "/v1/log/consistency", 422),
        ("GET", "/v1/log/consistency?first=-1&size=2", 422),
        ("GET", "/v1/log/consistency?first=x&size=2", 422),
        ("GET", f"/v1/log/consistency?first=1&size={2**70}", 422),
        ("GET", "/v1/log/inclusion?index=5&size=5", 404),
        ("GET", "/v1/devices/x/epochs/y/state", 422),
        ("PUT", "/v1/devices/x/epochs/y/batches/z", 422),
        ("GET", "/v1/devices/%00/epochs/%ff/state", 422),
        ("POST", "/v1/enrol", 422),
    ],
)
def test_nonsense_gets_an_answer_of_its_kind(
    server: Server, laptop: Laptop, method: str, path: str, status: int
) -> None:
    answer = server.ask(method, path, token=laptop.token)
    assert answer.status == status
    assert answer.code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"code": 1}',
        b"\xff\xfe",
        b'{"code": "\\ud800", "public_key": "\\ud800", "signature": ""}',
        b'{"code": "\\u0000", "public_key": "ed25519:\\u0000", "signature": "\\u00e9"}',
        b'{"code": "A", "public_key": "ed25519:AAAA", "signature": "AA"}',
        b"[" * 100_000,
    ],
)
def test_nonsense_does_not_enrol(server: Server, body: bytes) -> None:
    answer = server.ask("POST", "/v1/enrol", body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status < 500
    assert answer.code


def test_openapi_describes_what_is_there(server: Server) -> None:
    document = json.loads(server.ask("GET", "/openapi.json").body)
    put = document["paths"]["/v1/devices/{device}/epochs/{epoch}/batches/{n}"]["put"]
    assert {"200", "201", "202", "401", "403", "413", "429", "503"} <= set(put["responses"])
    assert put["requestBody"]["content"].keys() == {"application/octet-stream"}
    assert set(document["paths"]) == {
        "/health",
        "/status",
        "/v1/hello",
        "/v1/enrol",
        "/v1/devices/{device}/recovery",
        "/v1/devices/{device}/epochs/{epoch}/state",
        "/v1/devices/{device}/epochs/{epoch}/batches/{n}",
        "/v1/log/checkpoint",
        "/v1/log/consistency",
        "/v1/log/inclusion",
        "/v1/archive/files",
        "/v1/archive/files/{sha256}",
        "/v1/issued",
        "/v1/issued/{sha256}",
    }


def test_health_answers(server: Server) -> None:
    assert server.ask("GET", "/health").status == 200
