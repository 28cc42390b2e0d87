"""A laboratory: a client and a server in namespaces of their own, with a known link between them.

Needs root; elsewhere :func:`laboratory` skips the test and says so (``lab_relay`` is what there is
then). Several may live at once: nothing of them has a name that another one could take.
"""

import ctypes
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fieldsurvey.throughput.link_trace import LinkTrace
from tests.support.lab_channel import IP_RATIO, PAYLOAD_RATIO, SLOT_S, Direction
from tests.support.lab_emulator import SERVER_ADDRESS

ROOT = Path(__file__).resolve().parents[2]
SMALLEST_QUEUE_BYTES = 30_000
BIG_SEGMENTS_FROM_BPS = 500e6  # above, one core of Python can't carry single packets
_NEWNET = 0x40000000

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Link:
    """A link as an experiment wants it; ``trace`` holds bit/s of IP packets towards the client.

    The queue holds ``queue_bytes``, or else one round trip at the mean rate (100 ms at least if the
    rate changes). ``loss`` is towards the client, ``upload_loss`` towards the server. Upload has
    ``upload_ratio`` of the rate.
    """

    trace: LinkTrace
    round_trip_s: float
    queue_bytes: int | None = None
    loss: float = 0.0
    upload_loss: float = 0.0
    upload_ratio: float = 1.0
    seed: int = 2

    @classmethod
    def steady(
        cls, rate_bps: float, round_trip_s: float, loss: float = 0.0, upload_loss: float = 0.0
    ) -> "Link":
        return cls(LinkTrace.steady(rate_bps), round_trip_s, loss=loss, upload_loss=upload_loss)

    @property
    def is_steady(self) -> bool:
        return len(set(self.trace.rates_bps)) == 1

    def payload_bps(self, start_s: float = 0.0, end_s: float = 1.0) -> float:
        """Return the mean TCP payload that the link could carry between two of its seconds."""
        bits = self.trace.bits_until(end_s) - self.trace.bits_until(start_s)
        return bits / (end_s - start_s) * PAYLOAD_RATIO

    def direction(self, ratio: float, loss: float) -> Direction:
        trace = self.trace
        mean_bps = trace.bits_until(trace.duration_s) / trace.duration_s
        queue_s = self.round_trip_s if self.is_steady else max(self.round_trip_s, 0.1)
        queue_bytes = self.queue_bytes or max(int(mean_bps / 8 * queue_s), SMALLEST_QUEUE_BYTES)
        return Direction(
            times_s=tuple(trace.times_s),
            rates_bps=tuple(rate_bps * ratio for rate_bps in trace.rates_bps),
            duration_s=trace.duration_s,
            delay_s=self.round_trip_s / 2,
            queue_bytes=queue_bytes,
            loss=loss,
            seed=self.seed,
        )


def from_payload(trace: LinkTrace, start_s: float = 0.0) -> LinkTrace:
    """Return a recorded trace (payload) as rates of IP packets, beginning at ``start_s``."""
    edges_s = [time_s for time_s in trace.times_s if time_s > start_s]
    times_s = (0.0, *(time_s - start_s for time_s in edges_s))
    rates = (trace.rate_bps_at(start_s), *(trace.rate_bps_at(time_s) for time_s in edges_s))
    ip_bps = tuple(rate_bps * IP_RATIO for rate_bps in rates)
    return LinkTrace(times_s, ip_bps, trace.duration_s - start_s, trace.loop)


@dataclass(frozen=True, slots=True)
class Passed:
    """What went through one direction since the link was set."""

    packets: int
    lost: int
    dropped: int
    latest_s: float  # how late the emulator ever was
    forwarded_bytes: Sequence[int]  # of IP packets per 100 ms, as they left the queue

    def bytes_between(self, start_s: float, end_s: float) -> int:
        return sum(self.forwarded_bytes[int(start_s / SLOT_S) : int(end_s / SLOT_S) + 1])


class Namespace:
    """Where programs and functions of ours run on one side of the link."""

    def __init__(self, path: str) -> None:
        self._path = path

    def command(self, *command: str | Path) -> list[str]:
        """Return a command that runs inside, and that dies when whoever started it does."""
        enter = ["nsenter", f"--net={self._path}", "setpriv", "--pdeathsig", "KILL", "--"]
        return [*enter, *map(str, command)]

    def call(self, function: Callable[[], _Result]) -> _Result:
        """Call ``function`` in a thread that lives inside; processes it starts do, too."""
        results: list[_Result] = []
        errors: list[BaseException] = []

        def inside() -> None:
            try:
                with Path(self._path).open() as namespace:
                    libc = ctypes.CDLL(None, use_errno=True)
                    if libc.setns(namespace.fileno(), _NEWNET):
                        number = ctypes.get_errno()
                        raise OSError(number, os.strerror(number), "setns")
                results.append(function())
            except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
                errors.append(error)

        thread = threading.Thread(target=inside, name="inside-laboratory")
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]


class Laboratory:
    """A running emulator. ``server_address`` is where the client finds the server."""

    server_address = SERVER_ADDRESS

    def __init__(self, process: "subprocess.Popen[str]", client_fd: int, server_fd: int) -> None:
        self._process = process
        self.client, self.server = (
            Namespace(f"/proc/{process.pid}/fd/{fd}") for fd in (client_fd, server_fd)
        )
        self.began_s = 0.0  # on time.monotonic, when the present link began

    def set_link(self, link: Link) -> None:
        """Replace the link at once; its trace begins now, and its counts at nothing."""
        up = link.direction(link.upload_ratio, link.upload_loss)
        down = link.direction(1.0, link.loss)
        order = {"up": dataclasses.asdict(up), "down": dataclasses.asdict(down)}
        self.began_s = _ask(self._process, {"link": order})["began_s"]

    def passed(self) -> tuple[Passed, Passed]:
        """Return what passed towards the client, and towards the server."""
        report = _ask(self._process, {"report": True})
        return Passed(**report["down"]), Passed(**report["up"])


@contextmanager
def laboratory(link: Link, *, congestion_control: str = "") -> Iterator[Laboratory]:
    """Build one; skip the test where that cannot be done.

    ``congestion_control`` is what both ends use for connections that do not choose; "" leaves the
    system's own (a namespace may use ``cubic`` though it may not set it).
    """
    _need_root()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.lab_emulator"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        big_segments = max(link.trace.rates_bps) >= BIG_SEGMENTS_FROM_BPS
        order = {"big_segments": big_segments, "congestion_control": congestion_control}
        answer = _ask(process, order)
        if "trouble" in answer:
            pytest.skip(f"no network namespaces here: {answer['trouble']}")
        lab = Laboratory(process, **answer)
        lab.set_link(link)
        yield lab
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _need_root() -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("the link laboratory needs root")
    missing = [name for name in ("ip", "nsenter", "setpriv") if shutil.which(name) is None]
    if missing or not Path("/dev/net/tun").exists():
        pytest.skip(f"the link laboratory needs {', '.join(missing) or '/dev/net/tun'}")


def _ask(process: "subprocess.Popen[str]", order: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the emulator died with {process.wait()}")
    answer: dict[str, Any] = json.loads(line)
    return answer
