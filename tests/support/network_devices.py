"""Real network devices and namespaces for tests, made with ip(8) and taken away again."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

_serials = itertools.count()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Our device and address, and where the other host lives."""

    device: str
    here: str
    there: str
    namespace: str
    peer: str  # the other host's device

    def command(self, *words: str) -> list[str]:
        """Return the words that run a command there."""
        return ["ip", "netns", "exec", self.namespace, *words]

    def shape(self, rate_bps: int) -> None:
        """Let no more through than ``rate_bps`` of Ethernet frames, either way; queue 50 ms."""
        limits = ["root", "tbf", "rate", f"{rate_bps}bit", "burst", "32kb", "latency", "50ms"]
        for start, name in (([], self.device), (self.command(), self.peer)):
            words = [*start, "tc", "qdisc", "add", "dev", name, *limits]
            subprocess.run(words, check=True, capture_output=True, timeout=10)


needs_devices = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("ip") is None,
    reason="needs root and ip(8) to make network devices",
)


def new_name(prefix: str = "fs") -> str:
    """Return a device name that no other test of this machine uses."""
    return f"{prefix}{os.getpid() % 100_000}x{next(_serials)}"


def new_addresses() -> tuple[str, str]:
    """Return two neighbouring addresses (a /30) that no other test of this machine uses.

    They are of 198.18.0.0/15, which RFC 2544 sets aside for testing network devices.
    """
    block = (os.getpid() * 64 + next(_serials) % 64) % (1 << 15) * 4
    start = f"198.{18 + (block >> 16)}.{block >> 8 & 255}"
    return f"{start}.{(block & 255) + 1}", f"{start}.{(block & 255) + 2}"


def ip(*words: str) -> None:
    """Run ip(8); raises with its own words."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")


@contextmanager
def device(name: str, *kind: str) -> Iterator[str]:
    """``ip link add NAME type KIND...``; skips where the kernel does not know the kind."""
    try:
        ip("link", "add", name, "type", *kind)
    except RuntimeError as error:
        pytest.skip(f"this kernel makes no such device: {error}")
    try:
        yield name
    finally:
        ip("link", "del", name)


@contextmanager
def tun(name: str, address: str | None = None) -> Iterator[str]:
    """A tunnel's device, as OpenVPN makes one; ``address`` (with prefix) routes through it."""
    try:
        ip("tuntap", "add", "dev", name, "mode", "tun")
    except RuntimeError as error:
        pytest.skip(f"no tun devices here: {error}")
    try:
        if address is not None:
            ip("addr", "add", address, "dev", name)
            ip("link", "set", name, "up")
        yield name
    finally:
        ip("tuntap", "del", "dev", name, "mode", "tun")


@contextmanager
def neighbour() -> Iterator[Neighbour]:
    """A second host behind a veth pair."""
    here, there = new_addresses()
    name, peer, namespace = new_name("fv"), new_name("fp"), new_name("fn")
    ip("netns", "add", namespace)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", peer, "netns", namespace)
        ip("addr", "add", f"{here}/30", "dev", name)
        ip("link", "set", name, "up")
        ip("-n", namespace, "addr", "add", f"{there}/30", "dev", peer)
        ip("-n", namespace, "link", "set", peer, "up")
        ip("-n", namespace, "link", "set", "lo", "up")
        yield Neighbour(name, here, there, namespace, peer)
    finally:
        ip("netns", "del", namespace)  # takes the pair along
