"""Interfaces are of the kind that the system says they are: real devices, and modems by sysfs."""

import socket
from pathlib import Path

import pytest

from fieldsurvey.model.throughput import InterfaceKind
from fieldsurvey.throughput.interface_kind import interface_towards, kind_of
from tests.support.network_devices import (
    device,
    ip,
    needs_devices,
    neighbour,
    new_addresses,
    new_name,
    tun,
)


def test_the_way_to_ourselves_is_the_loopback() -> None:
    name = interface_towards("127.0.0.1")
    assert name is not None
    assert kind_of(name) is InterfaceKind.LOOPBACK


@needs_devices
def test_an_own_address_does_not_leave_the_machine() -> None:
    with neighbour() as other:
        assert kind_of(interface_towards(other.here) or "") is InterfaceKind.LOOPBACK
        assert interface_towards("203.0.113.1", other.here) == other.device, "a source address"


def test_the_name_that_a_test_is_bound_to_is_the_interface() -> None:
    assert interface_towards("203.0.113.1", "wwan0") == "wwan0"


def test_no_route_and_no_address_are_no_interface() -> None:
    assert interface_towards("not an address") is None
    assert interface_towards("203.0.113.1", "203.0.113.77") is None, "nobody's source address"


@needs_devices
def test_a_real_tun_device_is_a_vpn_and_routes_are_followed() -> None:
    here, there = new_addresses()
    with tun(new_name("ft"), f"{here}/30") as name:
        assert interface_towards(there) == name
        assert kind_of(name) is InterfaceKind.VPN


@needs_devices
def test_virtual_cables_are_unknown_and_not_ethernet() -> None:
    with neighbour() as other:
        assert interface_towards(other.there) == other.device
        assert kind_of(other.device) is InterfaceKind.UNKNOWN


@needs_devices
def test_a_bridge_is_of_its_only_members_kind() -> None:
    with device(new_name("wwan"), "veth") as member, device(new_name("fb"), "bridge") as bridge:
        assert kind_of(bridge) is InterfaceKind.UNKNOWN, "with nothing in it"
        ip("link", "set", member, "master", bridge)
        assert kind_of(bridge) is InterfaceKind.CELLULAR


def _sysfs(
    folder: Path, name: str, *, type_number: int, uevent: str = "", driver: str = ""
) -> Path:
    """What the kernel shows of a device that is not here; named as one that is, for its index."""
    made = folder / name
    made.mkdir()
    (made / "ifindex").write_text(f"{socket.if_nametoindex(name)}\n")
    (made / "type").write_text(f"{type_number}\n")
    (made / "uevent").write_text(uevent)
    if driver:
        drivers = folder / "drivers" / driver
        drivers.mkdir(parents=True)
        (made / "device").mkdir()
        (made / "device" / "driver").symlink_to(drivers)
    return folder


@pytest.mark.skipif(not Path("/sys/class/net/lo").exists(), reason="Linux shows devices in sysfs")
@pytest.mark.parametrize(
    ("type_number", "uevent", "driver", "kind"),
    [
        # A modem of today: raw IP (65534) would be a tunnel's type but for DEVTYPE.
        (65534, "DEVTYPE=wwan\nINTERFACE=wwp0s20u6i8\n", "qmi_wwan", InterfaceKind.CELLULAR),
        (1, "INTERFACE=enxaa\n", "rndis_host", InterfaceKind.CELLULAR),
        (519, "INTERFACE=qmimux0\n", "", InterfaceKind.CELLULAR),
        (1, "DEVTYPE=wlan\nINTERFACE=wlp2s0\n", "iwlwifi", InterfaceKind.WIFI),
        (1, "INTERFACE=enp3s0\n", "r8169", InterfaceKind.ETHERNET),
        (1, "INTERFACE=dummy0\n", "", InterfaceKind.UNKNOWN),
        (65534, "INTERFACE=anything\n", "", InterfaceKind.VPN),
        (65534, "DEVTYPE=wireguard\nINTERFACE=wg0\n", "", InterfaceKind.VPN),
    ],
)
def test_the_kernel_tells_a_devices_kind(
    tmp_path: Path, type_number: int, uevent: str, driver: str, kind: InterfaceKind
) -> None:
    sysfs = _sysfs(tmp_path, "lo", type_number=type_number, uevent=uevent, driver=driver)
    assert kind_of("lo", sysfs) is kind


def test_sysfs_of_another_namespace_is_not_believed(tmp_path: Path) -> None:
    sysfs = tmp_path / "lo"
    sysfs.mkdir()
    (sysfs / "ifindex").write_text("123456\n")
    (sysfs / "type").write_text("1\n")
    (sysfs / "device").mkdir()
    assert kind_of("lo", tmp_path) is InterfaceKind.LOOPBACK, "by its name, not ETHERNET by sysfs"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Wi-Fi", InterfaceKind.WIFI),
        ("Беспроводная сеть 2", InterfaceKind.WIFI),
        ("Cellular", InterfaceKind.CELLULAR),
        ("Ethernet 2", InterfaceKind.UNKNOWN),
        ("utun3", InterfaceKind.VPN),
        ("pdp_ip0", InterfaceKind.CELLULAR),
        ("en0", InterfaceKind.UNKNOWN),
        ("lo0", InterfaceKind.LOOPBACK),
        ("Loopback Pseudo-Interface 1", InterfaceKind.LOOPBACK),
    ],
)
def test_elsewhere_only_a_name_that_says_so_is_believed(name: str, kind: InterfaceKind) -> None:
    assert kind_of(name, platform="win32") is kind


def test_the_module_never_raises_on_what_is_not_there() -> None:
    assert kind_of("no-such-device") is InterfaceKind.UNKNOWN
