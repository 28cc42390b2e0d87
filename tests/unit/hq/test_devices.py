"""Devices that HQ has forgotten: it was restored from a backup, and they were enrolled after it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.hq.devices import DeviceKey
from fieldsurvey.hq.enrolment import enrol
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.hq.verify import verify
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.wire.answers import Enrolled, EnrolRequest, FormerDevice
from fieldsurvey.wire.keys import base64_text, sign
from tests.support.hq_server import make_home
from tests.support.hq_values import Laptop

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(make_home(tmp_path / "hq"), SystemClock()) as one:
        yield one


def enrolled(station: Station, laptop: Laptop, *former: FormerDevice) -> Enrolled:
    now_utc_us = station.clock.utc_us()
    code = station.ledger.devices.new_code("device", 1.0, now_utc_us)
    signature = base64_text(sign(laptop.key, "enrolment", code.encode()))
    request = EnrolRequest(code, laptop.public_key, signature, former)
    return enrol(station.home, station.ledger, station.key, request, now_utc_us)


def was(station: Station, device: str, laptop: Laptop, log_origin: str = "") -> FormerDevice:
    return FormerDevice(device, laptop.public_key, log_origin or station.ledger.log_origin)


def known(station: Station) -> dict[str, DeviceKey]:
    devices = station.ledger.devices.keys()
    return {one.device: one for one in devices}


def test_a_key_that_was_forgotten_has_its_id_again(station: Station) -> None:
    laptop = Laptop()
    assert enrolled(station, laptop, was(station, FIRST, laptop)).device == FIRST
    assert list(known(station)) == [FIRST]


def test_what_the_laptop_was_before_can_be_checked_and_send_nothing(station: Station) -> None:
    laptop, before = Laptop(), Laptop()
    answer = enrolled(station, laptop, was(station, FIRST, before), was(station, SECOND, laptop))
    assert answer.device == SECOND
    devices = known(station)
    assert devices[FIRST].public_key == before.public_key
    assert devices[FIRST].role == "device"
    assert station.ledger.devices.by_token(answer.token).device == SECOND  # type: ignore[union-attr]
    assert {one.what for one in station.ledger.history.audit_entries()} >= {"was before"}
    assert verify(station, ()).findings == []


def test_a_device_that_is_known_stays_who_it_is(station: Station) -> None:
    owner, other = Laptop(), Laptop()
    first = enrolled(station, owner)
    second = enrolled(station, other, was(station, first.device, other))
    assert second.device != first.device
    third = enrolled(station, Laptop(), was(station, SECOND, owner))
    assert SECOND not in known(station)
    assert known(station)[first.device].public_key == owner.public_key
    assert len({first.device, second.device, third.device}) == 3


def test_other_headquarters_and_nonsense_are_no_former_devices(station: Station) -> None:
    laptop = Laptop()
    answer = enrolled(
        station,
        laptop,
        was(station, FIRST, laptop, "another log"),
        was(station, "../../etc", Laptop()),
    )
    assert list(known(station)) == [answer.device]
    with pytest.raises(Refusal):
        enrolled(station, Laptop(), FormerDevice(FIRST, "no key", station.ledger.log_origin))
    assert FIRST not in known(station)


def test_one_key_is_one_device(station: Station) -> None:
    before = Laptop()
    enrolled(station, Laptop(), was(station, FIRST, before), was(station, SECOND, before))
    assert FIRST in known(station)
    assert SECOND not in known(station)
