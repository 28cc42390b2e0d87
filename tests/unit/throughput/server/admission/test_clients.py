"""Who is one client, and what is told of an address."""

import pytest

from fieldsurvey.throughput.server.clients import ClientHours, Hour, client_of, network_of


@pytest.mark.parametrize(
    ("address", "client", "network"),
    [
        ("203.0.113.77", "203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::", "fe80::/48"),
        ("", "", ""),
        (None, "", ""),
        ("nonsense", "", ""),
    ],
)
def test_addresses(address: str | None, client: str, network: str) -> None:
    assert client_of(address) == client
    assert network_of(address) == network


def test_an_hour_forgets() -> None:
    hour = Hour()
    for minute in range(120):
        hour.add(minute * 60.0, tests=1, byte_count=10)
    assert hour.tests(119 * 60.0) == 61
    assert hour.byte_count(119 * 60.0) == 610
    assert hour.tests(119 * 60.0 + 3661) == 0


def test_the_wait_is_over_when_it_says() -> None:
    hour = Hour()
    for minute in range(10):
        hour.add(minute * 60.0, tests=1, byte_count=100)
    now_s = 600.0
    assert hour.wait_s(now_s, tests=11, byte_count=10_000) == 0
    for tests, byte_count in ((10, 10_000), (4, 10_000), (11, 1000), (11, 350)):
        wait_s = hour.wait_s(now_s, tests=tests, byte_count=byte_count)
        assert wait_s > 0
        later = Hour()
        for minute in range(10):
            later.add(minute * 60.0, tests=1, byte_count=100)
        assert later.wait_s(now_s + wait_s - 61, tests=tests, byte_count=byte_count) > 0
        assert later.wait_s(now_s + wait_s, tests=tests, byte_count=byte_count) == 0


def test_so_many_clients_are_remembered_and_no_more() -> None:
    hours = ClientHours(most=10)
    for number in range(100):
        hours.of("regular").add(0.0, tests=1)
        hours.of(str(number))
    assert len(hours) == 10
    assert hours.of("regular").tests(0.0) == 100
