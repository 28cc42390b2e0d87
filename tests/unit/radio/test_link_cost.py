"""What a link costs, asked of a NetworkManager on a bus of our own."""

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jeepney import HeaderFields, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from fieldsurvey.radio.link_cost import metered

NETWORK_MANAGER = "org.freedesktop.NetworkManager"
Start = Callable[[int | None], None]


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    address = f"unix:path={tmp_path / 'bus'}"
    command = ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address={address}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as daemon:
        try:
            assert daemon.stdout is not None
            address = daemon.stdout.readline().decode().strip()
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            yield address
        finally:
            daemon.terminate()


@pytest.fixture
def network_manager(bus: str) -> Iterator[Start]:
    """Return what starts a NetworkManager that says ``Metered`` is so, or nothing at all."""
    with contextlib.closing(open_dbus_connection(bus)) as connection:
        yield from starting(connection)


def starting(connection: DBusConnection) -> Iterator[Start]:
    threads: list[threading.Thread] = []

    def start(says: int | None) -> None:
        connection.send_and_get_reply(message_bus.RequestName(NETWORK_MANAGER))
        threads.append(threading.Thread(target=answer_once, args=(connection, says)))
        threads[0].start()

    yield start
    for thread in threads:
        thread.join()


def answer_once(connection: DBusConnection, says: int | None) -> None:
    while True:
        question = connection.receive(timeout=10)
        if question.header.message_type is MessageType.method_call:
            break
    assert question.header.fields[HeaderFields.path] == "/org/freedesktop/NetworkManager"
    if question.body != (NETWORK_MANAGER, "Metered"):
        connection.send(new_error(question, "org.freedesktop.DBus.Error.InvalidArgs"))
    elif says is not None:
        connection.send(new_method_return(question, "v", (("u", says),)))


@pytest.mark.parametrize(
    ("says", "costs"), [(0, None), (1, True), (2, False), (3, True), (4, False), (9, None)]
)
def test_what_networkmanager_says(network_manager: Start, says: int, costs: bool | None) -> None:
    network_manager(says)
    assert metered() is costs


def test_nobody_knows_when_it_is_silent(network_manager: Start) -> None:
    network_manager(None)
    assert metered() is None


@pytest.mark.usefixtures("bus")
def test_nobody_knows_without_a_networkmanager() -> None:
    assert metered() is None


def test_nobody_knows_on_a_bus_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "bus"))
        listener.listen()
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'bus'}")
        assert metered() is None


def test_nobody_knows_without_a_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    assert metered() is None
