"""Which interface a test leaves through, and of what kind that is.

Must not guess: a laptop's Wi-Fi may lead to a phone and a virtual device may lead anywhere, so
what the system does not tell is UNKNOWN. Only Linux tells enough to be sure.
"""

import ipaddress
import socket
import sys
from pathlib import Path

import psutil

from fieldsurvey.model.throughput import InterfaceKind
from fieldsurvey.throughput.interface import is_address

_SYSFS = Path("/sys/class/net")
_ANY_PORT = 9  # connecting a UDP socket sends nothing
_DEEPEST_STACK = 4  # a VLAN on a bond on a card

# Linux <linux/if_arp.h>: ARPHRD_*.
_LOOPBACK_TYPE = 772
_ETHERNET_TYPE = 1
_TUNNEL_TYPES = {768, 769, 776, 778, 823, 65534}  # IPIP, IP6IP6, SIT, GRE, IP6GRE, none (tun, wg)
_RAW_IP_TYPE = 519  # rmnet: a modem without Ethernet headers
# Drivers that only modems and tethered phones have, though some look like Ethernet.
_CELLULAR_DRIVERS = {
    "qmi_wwan", "cdc_mbim", "huawei_cdc_ncm", "sierra_net", "hso", "mhi_net", "mhi_wwan_mbim",
    "iosm", "mtk_t7xx", "rndis_host", "ipheth",
}  # fmt: skip
_CELLULAR_NAMES = ("wwan", "ppp", "usb", "rmnet", "wwp", "pdp_ip")
_VPN_NAMES = ("tun", "tap", "wg", "utun", "ipsec", "tailscale", "nordlynx", "zt")
# What Windows calls its connections, in the languages that surveyors' laptops speak. "Ethernet 2"
# says nothing: a tethered phone and a VPN are called that too.
_SPOKEN_NAMES = {
    InterfaceKind.LOOPBACK: ("loopback",),
    InterfaceKind.WIFI: ("wi-fi", "wifi", "wireless", "беспровод", "сымсыз"),
    InterfaceKind.CELLULAR: ("cellular", "mobile broadband", "сотов", "мобильн", "ұялы"),
    InterfaceKind.VPN: ("vpn", "wireguard", "openvpn", "tailscale"),
}


def interface_towards(peer_address: str, bound_to: str | None = None) -> str | None:
    """Return the interface that a connection to ``peer_address`` uses; None where it is not told.

    ``bound_to`` is the device name or source address that the test was tied to.
    """
    if bound_to is not None and not is_address(bound_to):
        return bound_to
    source = bound_to or _source_address(peer_address)
    if source is None:
        return None
    if source == peer_address and bound_to is None:  # to ourselves: never leaves the machine
        source = "::1" if ":" in source else "127.0.0.1"
    if ipaddress.ip_address(source.partition("%")[0]).is_loopback:
        return _loopback_name()
    for name, addresses in psutil.net_if_addrs().items():
        if any(entry.address.partition("%")[0] == source for entry in addresses):
            return str(name)
    return None


def kind_of(name: str, sysfs: Path = _SYSFS, platform: str = sys.platform) -> InterfaceKind:
    """Return of what kind the interface ``name`` is."""
    if platform.startswith("linux") and _is_ours(sysfs / name, name):
        return _kind_from_sysfs(sysfs / name, _DEEPEST_STACK)
    return _kind_from_name(name)


def _source_address(peer_address: str) -> str | None:
    family = socket.AF_INET6 if ":" in peer_address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((peer_address, _ANY_PORT))
            return str(probe.getsockname()[0]).partition("%")[0]
    except OSError:
        return None


def _loopback_name() -> str | None:
    for name, addresses in psutil.net_if_addrs().items():
        if any(entry.address in ("127.0.0.1", "::1") for entry in addresses):
            return str(name)
    return None


def _is_ours(device: Path, name: str) -> bool:
    """Tell whether sysfs speaks of this process's network namespace and not of another one."""
    try:
        return int((device / "ifindex").read_text()) == socket.if_nametoindex(name)
    except (OSError, ValueError):
        return False


def _kind_from_sysfs(device: Path, deeper: int) -> InterfaceKind:
    """Read what the kernel says; a device stacked on others is of their kind if they agree."""
    type_number = _number(device / "type")
    device_type = _device_type(device)
    if type_number == _LOOPBACK_TYPE:
        return InterfaceKind.LOOPBACK
    if (
        device_type == "wwan"
        or type_number == _RAW_IP_TYPE
        or _driver(device) in _CELLULAR_DRIVERS
        or device.name.startswith(_CELLULAR_NAMES)
    ):
        return InterfaceKind.CELLULAR
    if device_type == "wlan" or (device / "wireless").exists() or (device / "phy80211").exists():
        return InterfaceKind.WIFI
    if (
        (device / "tun_flags").exists()
        or device_type == "wireguard"
        or type_number in _TUNNEL_TYPES
    ):
        return InterfaceKind.VPN
    lower = [link.resolve() for link in device.glob("lower_*")]
    if lower and deeper:
        kinds = {_kind_from_sysfs(one, deeper - 1) for one in lower}
        return kinds.pop() if len(kinds) == 1 else InterfaceKind.UNKNOWN
    if type_number == _ETHERNET_TYPE and (device / "device").exists():
        return InterfaceKind.ETHERNET
    return InterfaceKind.UNKNOWN  # veth, dummy and the like: who knows what is behind


def _kind_from_name(name: str) -> InterfaceKind:
    lowered = name.lower()
    if lowered in ("lo", "lo0"):
        return InterfaceKind.LOOPBACK
    for kind, words in _SPOKEN_NAMES.items():
        if any(word in lowered for word in words):
            return kind
    if lowered.startswith(_VPN_NAMES):
        return InterfaceKind.VPN
    if lowered.startswith(_CELLULAR_NAMES):
        return InterfaceKind.CELLULAR
    return InterfaceKind.WIFI if lowered.startswith(("wlan", "wlp")) else InterfaceKind.UNKNOWN


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _device_type(device: Path) -> str | None:
    try:
        lines = (device / "uevent").read_text().splitlines()
    except OSError:
        return None
    return next((line.removeprefix("DEVTYPE=") for line in lines if line[:8] == "DEVTYPE="), None)


def _driver(device: Path) -> str | None:
    driver = device / "device" / "driver"
    return driver.resolve().name if driver.exists() else None
