"""The laboratory's link as a process: two network namespaces, a TUN device in each, and the air.

The namespaces have no names: they live as long as this process and what runs in them, so that
nothing is left of them whoever dies how. Must not outlive its parent: the end of stdin is its end.
It counts IP packets, loses and delays them; it must not look into them.
"""

import fcntl
import gc
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from ctypes import CDLL, get_errno
from pathlib import Path
from typing import Any

from tests.support.lab_channel import Channel, Direction

CLIENT_ADDRESS, SERVER_ADDRESS = "198.18.0.1", "198.18.0.2"  # of the range for benchmarks
DEVICE = "road0"
_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _TUNSETOFFLOAD = 0x400454CA, 0x400454D0
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
_TUN_F_CSUM, _TUN_F_TSO4 = 0x01, 0x02
_VNET_HEADER_BYTES = 10
_LARGEST_READ_BYTES = 65_536 + _VNET_HEADER_BYTES
_PACKETS_PER_TURN = 128
_TICK_S = 0.0005  # packets that are due within half a tick go out together
_SYSCTLS = {
    "ipv6/conf/all/disable_ipv6": "1",  # nobody but the test speaks
    "ipv4/tcp_no_metrics_save": "1",  # a test must not inherit what the one before it learned
}


class Side:
    """One end: a namespace and its device."""

    def __init__(
        self, address: str, peer: str, *, big_segments: bool, congestion_control: str
    ) -> None:
        self.namespace_fd = self.device_fd = -1
        self._address, self._peer = address, peer
        self._big_segments = big_segments
        self._congestion_control = congestion_control
        self._trouble: BaseException | None = None
        thread = threading.Thread(target=self._set_up)
        thread.start()  # a namespace belongs to a thread; what it starts is born there
        thread.join()
        if self._trouble is not None:
            raise self._trouble

    def _set_up(self) -> None:
        try:
            libc = CDLL(None, use_errno=True)
            if libc.unshare(_CLONE_NEWNET):
                number = get_errno()
                raise OSError(number, os.strerror(number), "unshare")
            self.namespace_fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            for name, value in _SYSCTLS.items():
                Path("/proc/sys/net", name).write_text(value)
            self.device_fd = self._device()
            _ip("link set lo up")
            _ip(f"address add {self._address} peer {self._peer} dev {DEVICE}")
            # Nothing may be dropped where nobody counts it.
            _ip(f"link set {DEVICE} mtu 1500 txqueuelen 20000 up")
            if self._congestion_control:
                _ip(f"route replace {self._peer} dev {DEVICE} congctl {self._congestion_control}")
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._trouble = error

    def _device(self) -> int:
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        flags = _IFF_TUN | _IFF_NO_PI | (_IFF_VNET_HDR if self._big_segments else 0)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), flags))
        if self._big_segments:
            fcntl.ioctl(device, _TUNSETOFFLOAD, _TUN_F_CSUM | _TUN_F_TSO4)
        return device


class Emulator:
    """Carries packets between the two ends and answers its parent."""

    def __init__(self, client: Side, server: Side, *, big_segments: bool) -> None:
        self._client, self._server = client.device_fd, server.device_fd
        self._big_segments = big_segments
        self._began_s = time.monotonic()
        self._ways: list[tuple[int, Channel, int]] = []

    def set_link(self, order: dict[str, Any]) -> dict[str, Any]:
        """Start a new link; what is on the way on the old one still arrives, at once."""
        for _, channel, destination in self._ways:
            self._deliver(channel, float("inf"), destination)
        up, down = (Channel(Direction(**order[name])) for name in ("up", "down"))
        self._began_s = time.monotonic()
        self._ways = [(self._client, up, self._server), (self._server, down, self._client)]
        return {"began_s": self._began_s}

    def report(self) -> dict[str, Any]:
        now_s = time.monotonic() - self._began_s
        (_, up, _), (_, down, _) = self._ways
        return {"now_s": now_s, "up": up.report(now_s), "down": down.report(now_s)}

    def carry(self) -> None:
        """Run until stdin ends."""
        sources = [0, self._client, self._server]
        while True:
            now_s = time.monotonic() - self._began_s
            next_s = min((channel.next_s() for _, channel, _ in self._ways), default=float("inf"))
            wait_s = min(max(next_s - now_s, 0.0), 1.0)
            readable, _, _ = select.select(sources, [], [], wait_s and max(wait_s, _TICK_S / 2))
            now_s = time.monotonic() - self._began_s
            if 0 in readable and not self._obey():
                return
            for source, channel, destination in self._ways:
                if source in readable:
                    self._take(source, channel, now_s)
                self._deliver(channel, now_s + _TICK_S / 2, destination)

    def _deliver(self, channel: Channel, until_s: float, destination: int) -> None:
        for packet in channel.due(until_s):
            with suppress(OSError):  # nobody is there to take it
                os.write(destination, packet)

    def _take(self, source: int, channel: Channel, now_s: float) -> None:
        for _ in range(_PACKETS_PER_TURN):
            try:
                packet = os.read(source, _LARGEST_READ_BYTES)
            except BlockingIOError:
                return
            channel.offer(packet, self._wire_bytes(packet), now_s)

    def _wire_bytes(self, packet: bytes) -> int:
        """Return the IP bytes of what was read: big segments travel as the packets they stand for.

        The 10 bytes in front are a ``virtio_net_hdr``.
        """
        if not self._big_segments:
            return len(packet)
        length = len(packet) - _VNET_HEADER_BYTES
        kind, segment_bytes = packet[1], int.from_bytes(packet[4:6], sys.byteorder)
        if not kind or not segment_bytes:
            return length
        ip_bytes = (packet[_VNET_HEADER_BYTES] & 15) * 4
        tcp_bytes = (packet[_VNET_HEADER_BYTES + ip_bytes + 12] >> 4) * 4
        headers = ip_bytes + tcp_bytes
        return length + (-(-(length - headers) // segment_bytes) - 1) * headers

    def _obey(self) -> bool:
        line = sys.stdin.readline()
        if not line:
            return False
        order = json.loads(line)
        _say(self.set_link(order["link"]) if "link" in order else self.report())
        return True


def _ip(arguments: str) -> None:
    done = subprocess.run(["ip", *arguments.split()], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {arguments}: {done.stderr.strip()}")


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    order = json.loads(sys.stdin.readline())
    big_segments = bool(order["big_segments"])
    congestion_control = str(order["congestion_control"])
    try:
        client, server = (
            Side(own, peer, big_segments=big_segments, congestion_control=congestion_control)
            for own, peer in (
                (CLIENT_ADDRESS, SERVER_ADDRESS),
                (SERVER_ADDRESS, CLIENT_ADDRESS),
            )
        )
    except OSError as error:
        _say({"trouble": str(error)})
        return
    emulator = Emulator(client, server, big_segments=big_segments)
    with suppress(OSError):  # the air is never late because the computer is busy
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    gc.disable()  # nothing here goes round in circles
    _say({"client_fd": client.namespace_fd, "server_fd": server.namespace_fd})
    emulator.carry()


if __name__ == "__main__":
    main()
