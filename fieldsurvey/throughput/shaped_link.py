"""A road's link on any desk: a TCP relay that is as fast, as slow and as dead as a link trace says.

Real bytes through real sockets, without root, so that the whole product is tested and shown on
what really happened to them. It shapes TCP payload: no packet is lost or reordered, a sender meets
a full queue instead, the handshake is answered by the computer itself, and there is no slow start
to speak of. Rates are real bit/s and delays real seconds, however fast the clock runs.
"""

import argparse
import asyncio
import json
import socket
import sys
import threading
import time
from pathlib import Path

from fieldsurvey.model.clock import US_PER_S, Clock, ScaledClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.throughput.link_bottleneck import Bottleneck
from fieldsurvey.throughput.link_relay import KERNEL_BUFFER_BYTES, Relay
from fieldsurvey.throughput.link_trace import LinkTrace, load_trace

SLOT_US = 100_000


class ShapedLink:
    """Relays every connection to ``target``, all of them sharing one rate per direction.

    ``delay_s`` is one way; ``queue_s`` how long a full queue takes to pass. ``upload_ratio`` is the
    upload's share of the traced rate. A dead second passes nothing: connections hang, new ones are
    accepted by the computer but stay unanswered.
    """

    def __init__(
        self,
        target: tuple[str, int],
        trace: LinkTrace,
        clock: Clock,
        *,
        delay_s: float = 0.02,
        queue_s: float = 0.1,
        upload_ratio: float = 1.0,
    ) -> None:
        self._target = target
        self._trace = trace
        self._clock = clock
        self._upload_ratio = upload_ratio
        self._up = Bottleneck(delay_s, queue_s)
        self._down = Bottleneck(delay_s, queue_s)
        self._began_us: int | None = None
        self._relay: Relay | None = None
        self._thread: threading.Thread | None = None
        self._slots: dict[int, tuple[int, int]] = {}  # slot number: bytes down, bytes up
        self._stepped_s = 0.0
        self._stepped_trace_s = 0.0

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, hold_trace: bool = False
    ) -> int:
        """Listen, and return the port. The trace starts now, or at :meth:`begin_trace` if held.

        Raises KnownError ``link.cannot_listen`` or ``link.no_target``.
        """
        listener = _listen(host, port)
        try:
            self._relay = Relay(
                listener, self._target, self._up, self._down, self._count_up, self._count_down
            )
        except OSError as error:
            listener.close()
            target = f"{self._target[0]}:{self._target[1]}"
            raise KnownError("link.no_target", target=target, reason=error) from error
        bound_port: int = listener.getsockname()[1]
        self._stepped_s = time.monotonic()
        if not hold_trace:
            self.begin_trace()
        self._thread = threading.Thread(
            target=self._relay.run, args=(self._step,), name="shaped-link"
        )
        self._thread.start()
        return bound_port

    def begin_trace(self) -> None:
        """Start the trace, once; until then its first rate holds and nothing is counted."""
        if self._began_us is None:
            self._began_us = self._clock.mono_us()

    async def stop(self) -> None:
        """Cut everything and release the port."""
        if self._relay is not None and self._thread is not None:
            self._relay.stop()
            self._thread.join()

    def cut_all(self) -> None:
        """Reset all connections, as a modem does that registers anew. Returns at once."""
        if self._relay is not None:
            self._relay.cut_all()

    def forwarded(self) -> list[tuple[int, int, int]]:
        """Return what came out of the link: one ``(t_us, bytes_down, bytes_up)`` per 100 ms.

        ``t_us`` is the slot's start on the clock, counted from the start of the trace; bytes are
        TCP payload at the moment the receiver's socket took them. Quiet slots are there, with 0.
        """
        slots = self._slots.copy()
        return [
            (slot * SLOT_US, *slots.get(slot, (0, 0))) for slot in range(max(slots, default=-1) + 1)
        ]

    def _trace_s(self) -> float | None:
        if self._began_us is None:
            return None
        return (self._clock.mono_us() - self._began_us) / US_PER_S

    def _step(self) -> float | None:
        """Move both directions on to this moment; return in how many seconds to come again."""
        now_s = time.monotonic()
        trace_s = self._trace_s()
        if trace_s is None:
            rate_bps = self._trace.rates_bps[0]
            earned_bytes = rate_bps / 8 * (now_s - self._stepped_s)
        else:
            rate_bps = self._trace.rate_bps_at(trace_s)
            bits = self._trace.bits_until(trace_s) - self._trace.bits_until(self._stepped_trace_s)
            earned_bytes = bits / 8 / self._clock.speed
            self._stepped_trace_s = trace_s
        self._stepped_s = now_s
        waits_s = []
        for direction, share in ((self._down, 1.0), (self._up, self._upload_ratio)):
            direction.step(now_s, earned_bytes * share, rate_bps * share)
            direction.deliver_due(now_s)
            waits_s.append(direction.wakeup_s(now_s, rate_bps * share))
        return min((wait_s for wait_s in waits_s if wait_s is not None), default=None)

    def _count_down(self, size: int) -> None:
        self._count(size, 0)

    def _count_up(self, size: int) -> None:
        self._count(0, size)

    def _count(self, down: int, up: int) -> None:
        trace_s = self._trace_s()
        if trace_s is not None:
            slot = int(trace_s * US_PER_S) // SLOT_US
            down_before, up_before = self._slots.get(slot, (0, 0))
            self._slots[slot] = (down_before + down, up_before + up)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER_BYTES)
            listener.bind(address)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise KnownError("link.cannot_listen", address=f"{host}:{port}", reason=error) from error
    return listener


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fieldsurvey.throughput.shaped_link",
        description="Relay TCP at the rates of a link trace. A line 'start' on stdin starts the "
        "trace; the end of stdin ends the relay.",
    )
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 0), metavar="HOST:PORT")
    parser.add_argument("--target", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--trace", type=Path, required=True, metavar="FILE")
    parser.add_argument("--speed", type=float, default=1.0, help="trace seconds per real second")
    parser.add_argument("--delay-s", type=float, default=0.02, help="one way, real")
    parser.add_argument("--queue-s", type=float, default=0.1, help="of a full queue, real")
    parser.add_argument("--upload-ratio", type=float, default=1.0)
    parser.add_argument("--end", action="store_true", help="stay dead after the trace's end")
    parser.add_argument("--ready-json", action="store_true", help="print the port as JSON")
    parser.add_argument("--log", type=Path, metavar="FILE", help="at the end: bytes per 100 ms")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run as a process of its own. Exit 0 done, 1 a known error, 2 bad usage."""
    given = _arguments(arguments)
    try:
        link = ShapedLink(
            given.target,
            load_trace(given.trace, loop=not given.end),
            ScaledClock(given.speed),
            delay_s=given.delay_s,
            queue_s=given.queue_s,
            upload_ratio=given.upload_ratio,
        )
        port = asyncio.run(link.start(*given.listen, hold_trace=True))
    except KnownError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        if given.ready_json:
            sys.stdout.write(json.dumps({"port": port}) + "\n")
            sys.stdout.flush()
        for line in sys.stdin:
            if line.strip() == "start":
                link.begin_trace()
    finally:
        asyncio.run(link.stop())
    if given.log is not None:
        rows = "".join(f"{t_us},{down},{up}\n" for t_us, down, up in link.forwarded())
        given.log.write_text("t_us,bytes_down,bytes_up\n" + rows, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
