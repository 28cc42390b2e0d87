"""Enrolment: the key first, the answer second, and a lost answer is no loss."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import keyring
import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.sync.enrolment import check_url, enrol
from fieldsurvey.sync.file_keys import LaptopKeys
from fieldsurvey.sync.profile import Enrolment, Profile
from fieldsurvey.sync.transport import Answer
from fieldsurvey.wire.answers import EnrolRequest
from fieldsurvey.wire.keys import public_key_text
from tests.support.file_keys import MemoryKeyring
from tests.support.sync_hq import CODE, ORIGIN, SimulatedHq
from tests.support.sync_network import Fault, Network
from tests.support.sync_time import run_virtually

URL = "https://hq.example"
FAULTS = [
    *(Fault.LOST, Fault.ANSWER_LOST, Fault.ANSWER_CUT, Fault.REDIRECT),
    *(Fault.PORTAL, Fault.PORTAL_REFUSES, Fault.PROXY_FAILS, Fault.BUSY),
]


def ask(
    profile: Profile, hq: SimulatedHq, faults: Sequence[Fault] = (), code: str = CODE
) -> Enrolment:
    return run_virtually(enrol(Network(hq, faults), URL, code, profile, 0, "ca"))


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path / "hq")


def test_what_hq_answers_is_kept(profile: Profile) -> None:
    hq = SimulatedHq()
    enrolment = ask(profile, hq)
    assert profile.enrolled()[0] == enrolment
    assert enrolment.receipt_key == public_key_text(hq.key.public_key())
    assert (enrolment.hq_url, enrolment.ca_pem, enrolment.log_origin) == (URL, "ca", ORIGIN)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_same_code_works_again_after_any_fault(profile: Profile, fault: Fault) -> None:
    hq = SimulatedHq()
    with pytest.raises(KnownError) as caught:
        ask(profile, hq, [fault])
    assert caught.value.message.id == "sync.not_enrolled_now"
    with pytest.raises(KnownError):
        profile.enrolled()
    key = profile.make_key()
    assert ask(profile, hq).public_key == public_key_text(key.public_key())


def test_a_code_that_is_wrong_or_used_by_another_laptop(profile: Profile, tmp_path: Path) -> None:
    hq = SimulatedHq()
    for one, code in ((profile, "other"), (profile, CODE), (Profile(tmp_path / "b"), CODE)):
        if one is profile and code == CODE:
            ask(one, hq)
            continue
        with pytest.raises(KnownError) as caught:
            ask(one, hq, code=code)
        assert caught.value.message.id == "sync.code_refused"


def test_what_a_laptop_was_is_told_when_it_enrols_again(profile: Profile) -> None:
    hq = SimulatedHq()
    first = ask(profile, hq)
    assert profile.known_as() == first.known_as
    (profile.path / "device_key").unlink()  # revoked: it is given another key
    asked: list[EnrolRequest] = []

    class Listening(Network):
        async def enrol(self, request: EnrolRequest) -> Answer:
            asked.append(request)
            return await super().enrol(request)

    again = SimulatedHq()
    again.key = hq.key
    run_virtually(enrol(Listening(again), URL, CODE, profile, 0, "ca"))
    assert [one.public_key for one in asked[0].former] == [first.public_key]
    second, _ = profile.enrolled()
    assert [one.public_key for one in second.known_as] == [second.public_key, first.public_key]
    ask(profile, SimulatedHq())  # another HQ
    assert profile.enrolled()[0].former == ()


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    """A keyring instead of this computer's own."""
    before = keyring.get_keyring()
    keyring.set_keyring(one := MemoryKeyring())
    yield one
    keyring.set_keyring(before)


def test_files_are_encrypted_where_hq_wants_it_and_hq_has_the_key(
    profile: Profile, ring: MemoryKeyring
) -> None:
    hq = SimulatedHq()
    hq.encrypt = True
    enrolment = ask(profile, hq)
    (key,) = hq.file_keys
    assert ring.kept == {("fieldsurvey", enrolment.device): key.hex()}
    assert LaptopKeys(Profile(profile.path), {}).for_new_file() == key
    ask(profile, hq)  # once more: it is the same laptop
    assert hq.file_keys == [key, key]
    hq.encrypt = False
    ask(profile, hq)
    assert LaptopKeys(profile, {}).for_new_file() is None
    assert LaptopKeys(profile, {}).known() == [key]


def test_where_hq_wants_nothing_the_keyring_is_left_alone(
    profile: Profile, ring: MemoryKeyring
) -> None:
    ring.locked = True
    ask(profile, SimulatedHq())
    assert not profile.file_keys_path.exists()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_laptop_is_enrolled_only_once_hq_has_its_file_key(
    profile: Profile, ring: MemoryKeyring, fault: Fault
) -> None:
    hq = SimulatedHq()
    hq.encrypt = True
    with pytest.raises(KnownError) as caught:
        ask(profile, hq, [Fault.NONE, fault])
    assert caught.value.message.id == "sync.not_enrolled_now"
    with pytest.raises(KnownError):
        profile.enrolled()
    assert LaptopKeys(profile, {}).for_new_file() is None
    ask(profile, hq)
    assert {LaptopKeys(profile, {}).for_new_file()} == set(hq.file_keys)


def test_no_keyring_no_enrolment_and_nothing_in_clear(
    profile: Profile, ring: MemoryKeyring
) -> None:
    hq = SimulatedHq()
    hq.encrypt = ring.locked = True
    with pytest.raises(KnownError) as caught:
        ask(profile, hq)
    assert caught.value.message.id == "sync.no_keyring"
    assert "FIELDSURVEY_PASSPHRASE" in caught.value.message.text("ru")
    assert [path.name for path in profile.path.iterdir()] == ["device_key"]
    assert hq.file_keys == []


@pytest.mark.parametrize("key", ["", "x25519:", "ed25519:" + 43 * "A", "x25519:" + 43 * "A"])
def test_an_hq_whose_key_keeps_no_secret_is_none(
    profile: Profile, ring: MemoryKeyring, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = SimulatedHq()
    hq.encrypt = True
    monkeypatch.setattr("tests.support.sync_hq.recovery_key_text", lambda _: key)
    with pytest.raises(KnownError) as caught:
        ask(profile, hq)
    assert caught.value.message.id == "sync.not_our_server"
    assert not (profile.path / "hq.json").exists()


@pytest.mark.parametrize(
    "url", ["https://hq.example/", "http://127.0.0.1:8750", "http://[::1]:8750", "http://localhost"]
)
def test_addresses_that_are_taken(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://hq.example", "http://10.0.0.5", "http://localhost.example"]
)
def test_nothing_travels_in_the_clear(url: str) -> None:
    with pytest.raises(KnownError) as caught:
        check_url(url)
    assert caught.value.message.id == "sync.needs_tls"
