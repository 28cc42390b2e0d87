"""Enrolment: the key first, the answer second, and a lost answer is no loss."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.sync.enrolment import check_url, enrol
from fieldsurvey.sync.profile import Enrolment, Profile
from fieldsurvey.wire.keys import public_key_text
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
