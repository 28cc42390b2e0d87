"""Is the modem of a link there?"""

import errno

import pytest

from fieldsurvey.drive import modem
from fieldsurvey.drive.modem import Modem, link_trouble
from fieldsurvey.model.drive import PlannedLink


@pytest.mark.parametrize("interface", ["", "lo", "127.0.0.1", "127.0.0.2"])
def test_there(interface: str) -> None:
    assert link_trouble(PlannedLink("a", interface)) is None


@pytest.mark.parametrize("interface", ["nosuch0", "192.0.2.1", "2001:db8::1"])
def test_not_there(interface: str) -> None:
    assert link_trouble(PlannedLink("a", interface))


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Binding works until the list says otherwise."""
    state = [False]

    def bind(sock: object, interface: str | None) -> None:
        if state[0]:
            raise OSError(errno.EADDRNOTAVAIL, "not here")

    monkeypatch.setattr(modem, "bind_to_interface", bind)
    return state


def test_an_address_lost_with_the_network_is_tried_all_the_same(gone: list[bool]) -> None:
    one = Modem(PlannedLink("a", "10.0.0.2"))
    gone[0] = True
    assert one.absent() is not None
    gone[0] = False
    assert one.absent() is None
    gone[0] = True
    assert one.absent() is None


def test_a_device_that_vanished_is_not(gone: list[bool]) -> None:
    one = Modem(PlannedLink("a", "wwan0"))
    assert one.absent() is None
    gone[0] = True
    assert one.absent() is not None
