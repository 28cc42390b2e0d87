"""Sends a test through one modem and no other, when the laptop has several.

Must not fall back to the default route: a test over the wrong modem is a wrong number.
"""

import errno
import ipaddress
import os
import socket


def bind_to_interface(sock: socket.socket, interface: str | None) -> None:
    """Tie ``sock`` to a source address or a device name; raises OSError if that is not there."""
    if interface is None:
        return
    if is_address(interface):
        sock.bind((interface, 0))
    elif hasattr(socket, "SO_BINDTODEVICE"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
    else:
        sock.bind((source_address(interface, sock.family), 0))


def source_address(interface: str, family: int = socket.AF_INET) -> str:
    """Return the address of a device (an address is its own); raises OSError if it has none."""
    if is_address(interface):
        return interface
    import psutil  # only for device names on systems that bind by address

    for address in psutil.net_if_addrs().get(interface, []):
        if address.family == family:
            return str(address.address)
    raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL), interface)


def is_address(interface: str) -> bool:
    """Tell whether an interface is named by its address."""
    try:
        ipaddress.ip_address(interface)
    except ValueError:
        return False
    return True
