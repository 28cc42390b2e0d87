"""Recovery copies at HQ: kept for good, opened by nobody but an operator, and that is on record."""

import asyncio
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fieldsurvey.hq import recovery
from fieldsurvey.hq.app import create_app
from fieldsurvey.hq.bodies import Bodies
from fieldsurvey.hq.enrolment import enrol
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.sync.transport import Answer
from fieldsurvey.wire.answers import Enrolled, EnrolRequest, RecoveryCopy
from fieldsurvey.wire.keys import base64_text, sign
from fieldsurvey.wire.recovery import X25519PrivateKey, recovery_key_from, wrap
from tests.support.asgi import call
from tests.support.hq_server import make_home
from tests.support.hq_values import Laptop

FIRST, SECOND = bytes(range(32)), bytes(32)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(make_home(tmp_path / "hq", encrypt_laptops=True), SystemClock()) as one:
        yield one


def enrolled(station: Station, home: Home | None = None) -> Enrolled:
    """Enrol a new laptop as it would itself."""
    laptop, now_utc_us = Laptop(), station.clock.utc_us()
    code = station.ledger.devices.new_code("device", 1.0, now_utc_us)
    signature = base64_text(sign(laptop.key, "enrolment", code.encode()))
    request = EnrolRequest(code, laptop.public_key, signature)
    return enrol(home or station.home, station.ledger, station.key, request, now_utc_us)


def copy_of(key: bytes, answer: Enrolled) -> RecoveryCopy:
    return wrap(key, recovery_key_from(answer.recovery_key), answer.device)


def keep(station: Station, answer: Enrolled, copy: RecoveryCopy) -> None:
    kept = recovery.keep(station.home, station.ledger, answer.device, copy, 1)
    assert kept.key_id == copy.key_id


def recover(station: Station, device: str) -> list[bytes]:
    return recovery.recover(station.home, station.ledger, device, 2)


def files(station: Station) -> list[Path]:
    return sorted(station.home.recovery_copies.iterdir())


def audit(station: Station) -> list[str]:
    return [entry.what for entry in station.ledger.history.audit_entries()]


def test_the_policy_is_told_and_only_where_it_is_one(tmp_path: Path, station: Station) -> None:
    answer = enrolled(station)
    assert answer.encrypt
    own_key = station.home.recovery_key().public_key().public_bytes_raw()
    assert recovery_key_from(answer.recovery_key).public_bytes_raw() == own_key
    with open_station(make_home(tmp_path / "other"), SystemClock()) as other:
        answer = enrolled(other)
        assert (answer.encrypt, answer.recovery_key) == (False, "")


def test_an_operator_gets_the_keys_and_the_audit_log_says_so(station: Station) -> None:
    one, other = enrolled(station), enrolled(station)
    keep(station, one, copy_of(FIRST, one))
    keep(station, one, copy_of(SECOND, one))  # its keyring was lost
    keep(station, other, copy_of(SECOND, other))
    assert recover(station, one.device) == [FIRST, SECOND]
    assert recover(station, other.device) == [SECOND]
    assert audit(station)[-5:] == ["recovery_kept"] * 3 + ["recovered"] * 2
    said = " ".join(entry.detail for entry in station.ledger.history.audit_entries())
    assert FIRST.hex() not in said
    with pytest.raises(KnownError) as caught:
        recover(station, Laptop().device)
    assert caught.value.message.id == "hq.no_recovery"


def test_nothing_at_hq_is_the_key_in_clear_or_for_others_to_read(station: Station) -> None:
    answer = enrolled(station)
    keep(station, answer, copy_of(FIRST, answer))
    for path in station.home.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert FIRST not in content
            assert FIRST.hex().encode() not in content
    if sys.platform != "win32":
        private = [*files(station), station.home.folder / "keys" / "recovery.pem"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_the_same_key_again_changes_nothing(station: Station) -> None:
    answer = enrolled(station)
    keep(station, answer, copy_of(FIRST, answer))
    content = [path.read_bytes() for path in files(station)]
    keep(station, answer, copy_of(FIRST, answer))  # the answer was lost
    assert [path.read_bytes() for path in files(station)] == content
    assert audit(station).count("recovery_kept") == 1


def test_what_hq_could_not_open_is_refused(station: Station) -> None:
    answer, other = enrolled(station), enrolled(station)
    stranger = X25519PrivateKey.generate().public_key()
    bad = [
        wrap(FIRST, stranger, answer.device),
        copy_of(FIRST, other),
        RecoveryCopy(1, "../../../etc/x", "AA", "AA"),
        RecoveryCopy(1, "0" * 16, "", ""),
    ]
    for copy in bad:
        with pytest.raises(Refusal) as caught:
            recovery.keep(station.home, station.ledger, answer.device, copy, 1)
        assert caught.value.status == 422
    assert not station.home.recovery_copies.exists()


def test_a_device_cannot_fill_the_disk(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "MOST_COPIES", 2)
    answer = enrolled(station)
    for number in range(2):
        keep(station, answer, copy_of(bytes([number] * 32), answer))
    with pytest.raises(Refusal) as caught:
        recovery.keep(station.home, station.ledger, answer.device, copy_of(FIRST, answer), 1)
    assert caught.value.code == "too_many_keys"
    assert len(files(station)) == 2


def test_an_older_home_gets_its_key_when_one_is_needed(station: Station) -> None:
    path = station.home.folder / "keys" / "recovery.pem"
    path.unlink()
    answer = enrolled(station)
    content = path.read_bytes()
    keep(station, answer, copy_of(FIRST, answer))
    assert recover(station, answer.device) == [FIRST]
    assert path.read_bytes() == content


def test_a_lost_key_is_not_quietly_replaced(station: Station) -> None:
    answer = enrolled(station)
    keep(station, answer, copy_of(FIRST, answer))
    path = station.home.folder / "keys" / "recovery.pem"
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(Refusal) as caught:
        enrolled(station)
    assert (caught.value.status, caught.value.code) == (503, "no_recovery_key")
    with pytest.raises(KnownError) as lost:
        recover(station, answer.device)
    assert lost.value.message.id == "hq.no_key"
    assert not path.exists()
    path.write_bytes(content)
    (copy,) = files(station)
    copy.write_bytes(copy.read_bytes()[:-20])
    with pytest.raises(KnownError) as damaged:
        recover(station, answer.device)
    assert damaged.value.message.id == "hq.recovery_damaged"


def test_a_device_brings_its_own_copy_and_no_other(station: Station) -> None:
    app = create_app(station, Bodies(30.0))
    one, other = enrolled(station), enrolled(station)

    def put(device: str, token: str, copy: RecoveryCopy) -> Answer:
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        body = msgspec.json.encode(copy)
        return asyncio.run(call(app, "PUT", f"/v1/devices/{device}/recovery", headers, body))

    copy = copy_of(FIRST, one)
    assert put(one.device, "", copy).status == 401
    assert put(one.device, other.token, copy).status == 403
    assert not station.home.recovery_copies.exists()
    done = put(one.device, one.token, copy)
    assert (done.status, msgspec.json.decode(done.body)) == (200, {"key_id": copy.key_id})
    assert put(other.device, other.token, copy).status == 422
    assert recover(station, one.device) == [FIRST]
