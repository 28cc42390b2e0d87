"""What of our own held a test back: a full core, a late event loop, other traffic, a small window.

Must not excuse a slow place: a limit is named only where it was measured, and what the system does
not tell stays None. Must never break a test: it only looks.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psutil

from fieldsurvey.model.throughput import (
    InterfaceKind,
    Phase,
    PhaseKind,
    SelfCheck,
    SelfLimit,
    TcpSummary,
)
from fieldsurvey.throughput.interface_kind import interface_towards, kind_of

TICK_NS = 25_000_000  # what the load loop waits at most between two ticks

# Python runs on one core: from here on bytes wait for us.
CPU_LIMIT_PERMILLE = 850
# Of all cores. A full machine alone is no limit: with three times more work than cores, ours was
# 66 ms late at the worst and read a link of 100 Mbit/s within 0.6 % of its ceiling. It is one when
# our event loop was late as well.
MACHINE_CPU_LIMIT_PERMILLE = 950
# A check lasts 2 s: standing still for this long costs it up to 5 %, which is the least spread that
# the estimator ever assumes. Linux sizes a receive window for about two round trips, so standing
# still longer than that stops the sender.
LOOP_LAG_LIMIT_US = 100_000
# Below, it cannot move a verdict by more than the estimate's own interval.
OTHER_TRAFFIC_LIMIT_PERMILLE = 100
# 1 % of 100 Mbit/s during the 2 s of a check: what a laptop chatters anyway.
OTHER_TRAFFIC_FLOOR_BYTES = 250_000
# Of the time in which the sender had data under way (TCP_INFO's busy time).
WINDOW_LIMIT_PERMILLE = 200
# What autotuning takes to open the window while a load ramps up, however short the load is: with
# losses 0.24 s were seen of loads that filled the link ever after.
WINDOW_OPENS_US = 300_000

# What an interface counts beyond our payload. 66 bytes of Ethernet, IPv4 and TCP headers on 1,448
# are 4.6 %, 86 with IPv6 on 1,220 are 7 %; TLS and WebSocket add 0.2 %, retransmissions the rest.
_HEADERS_PERMILLE = 100
# Acknowledgements the other way: 66 bytes for every packet of 1,448 at the worst.
_ACKNOWLEDGEMENTS_PERMILLE = 50
_HANDSHAKES_BYTES = 64 * 1024  # of all connections, pings included

_ANSWERING_US = 2_000  # what an end takes to answer a ping that TCP answers at once
_CPU_WINDOW_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Cpu:
    """Processor time so far: ours in ns, the machine's in s."""

    wall_ns: int
    own_ns: int
    busy_s: float
    total_s: float

    @classmethod
    def now(cls) -> "_Cpu":
        times = psutil.cpu_times()
        guest_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        total_s = sum(times) - guest_s  # a guest's time is counted as user time already
        idle_s = times.idle + getattr(times, "iowait", 0.0)
        return cls(time.perf_counter_ns(), time.process_time_ns(), total_s - idle_s, total_s)

    def own_permille_since(self, start: "_Cpu") -> int:
        return round(1000 * (self.own_ns - start.own_ns) / max(self.wall_ns - start.wall_ns, 1))

    def machine_permille_since(self, start: "_Cpu") -> int:
        total_s = self.total_s - start.total_s
        return round(1000 * (self.busy_s - start.busy_s) / total_s) if total_s > 0 else 0


class SelfCheckRecorder:
    """Watches our own side during the loads of one test. All in one thread.

    ``interface`` is the plan's device name or source address, ``peer_address`` the server's
    numeric address. Call ``start`` when a load begins (each of them), ``tick`` at least every 25
    ms while it lasts, ``finish`` once at the end. Finding the interface takes a millisecond: make
    the recorder before the clock runs.
    """

    def __init__(self, interface: str | None, peer_address: str) -> None:
        self._interface = interface_towards(peer_address, interface)
        self._kind = kind_of(self._interface) if self._interface else InterfaceKind.UNKNOWN
        self._window_start: _Cpu | None = None
        self._ticked_ns: int | None = None
        self._cpu_permille: int | None = None
        self._machine_cpu_permille: int | None = None
        self._loop_lag_us: int | None = None
        self._counted_before: tuple[int, int] | None = None

    def start(self) -> None:
        """A load begins: what passed since the one before is not its event loop's fault."""
        if self._window_start is None:
            self._counted_before = _counters(self._interface)
        else:
            self._end_window(_Cpu.now())
        self._window_start = _Cpu.now()
        self._ticked_ns = time.perf_counter_ns()

    def tick(self) -> None:
        """The load loop turns: note how late it is, and how busy the processors are."""
        if self._ticked_ns is None or self._window_start is None:
            return
        now_ns = time.perf_counter_ns()
        lag_us = max(now_ns - self._ticked_ns - TICK_NS, 0) // 1000
        self._loop_lag_us = max(self._loop_lag_us or 0, lag_us)
        self._ticked_ns = now_ns
        if now_ns - self._window_start.wall_ns >= _CPU_WINDOW_NS:
            self._window_start = self._end_window(_Cpu.now())

    def finish(self, own_rx_bytes: int, own_tx_bytes: int, phases: Sequence[Phase]) -> SelfCheck:
        """Return what was seen. The bytes are our payload since ``start``, both directions."""
        if self._cpu_permille is None:  # shorter than one window
            self._end_window(_Cpu.now(), shortest_ns=0)
        other = self._other_bytes(own_rx_bytes, own_tx_bytes, phases)
        late = (self._loop_lag_us or 0) >= LOOP_LAG_LIMIT_US
        own_core_full = (self._cpu_permille or 0) >= CPU_LIMIT_PERMILLE
        machine_full = (self._machine_cpu_permille or 0) >= MACHINE_CPU_LIMIT_PERMILLE
        limits: list[SelfLimit] = []
        if own_core_full or (machine_full and late):
            limits.append(SelfLimit.CPU)
        if late:
            limits.append(SelfLimit.EVENT_LOOP)
        if other is not None and _is_much(sum(other), own_rx_bytes + own_tx_bytes):
            limits.append(SelfLimit.OTHER_TRAFFIC)
        round_trip_us = min((us for one in phases for us in one.round_trips_us), default=0)
        limits.extend(
            dict.fromkeys(
                limit for phase in phases for limit in _limits_of_tcp(phase, round_trip_us)
            )
        )
        if self._kind is InterfaceKind.VPN:
            limits.append(SelfLimit.VPN)
        if self._kind is InterfaceKind.WIFI:
            limits.append(SelfLimit.WIFI)
        return SelfCheck(
            interface=self._interface,
            interface_kind=self._kind,
            cpu_permille=self._cpu_permille,
            machine_cpu_permille=self._machine_cpu_permille,
            loop_lag_us=self._loop_lag_us,
            other_rx_bytes=other[0] if other else None,
            other_tx_bytes=other[1] if other else None,
            limits=tuple(limits),
        )

    def _end_window(self, now: _Cpu, shortest_ns: int = _CPU_WINDOW_NS // 2) -> _Cpu:
        """Keep the busiest second: a mean over two loads would hide the one that was held back."""
        start = self._window_start
        if start is not None and now.wall_ns - start.wall_ns >= shortest_ns:
            own, machine = now.own_permille_since(start), now.machine_permille_since(start)
            self._cpu_permille = max(self._cpu_permille or 0, own)
            self._machine_cpu_permille = max(self._machine_cpu_permille or 0, machine)
        return now

    def _other_bytes(
        self, own_rx: int, own_tx: int, phases: Sequence[Phase]
    ) -> tuple[int, int] | None:
        """Return received and sent bytes that cannot be ours; None where nobody counts them."""
        before, after = self._counted_before, _counters(self._interface)
        if self._kind is InterfaceKind.LOOPBACK or before is None or after is None:
            return None
        rx, tx = after[0] - before[0], after[1] - before[1]
        if rx < 0 or tx < 0:  # the device was unplugged and came back
            return None
        ours_rx = _with_overhead(own_rx, own_tx) + _left_under_way(phases)
        return max(rx - ours_rx, 0), max(tx - _with_overhead(own_tx, own_rx), 0)


def _counters(interface: str | None) -> tuple[int, int] | None:
    """Return bytes received and sent by ``interface`` so far."""
    if interface is None:
        return None
    counters = psutil.net_io_counters(pernic=True, nowrap=False).get(interface)
    return None if counters is None else (counters.bytes_recv, counters.bytes_sent)


def _with_overhead(payload_bytes: int, acknowledged_bytes: int) -> int:
    """Return the most that an interface may count for our payload in one direction."""
    headers = payload_bytes * _HEADERS_PERMILLE // 1000
    acknowledgements = acknowledged_bytes * _ACKNOWLEDGEMENTS_PERMILLE // 1000
    return payload_bytes + headers + acknowledgements + _HANDSHAKES_BYTES


def _left_under_way(phases: Sequence[Phase]) -> int:
    """Return what downloads that we ended left on the way to us: a round trip under load each."""
    return sum(
        phase.payload_bytes * max(phase.round_trips_us, default=0) // max(phase.duration_us, 1)
        for phase in phases
        if phase.kind is PhaseKind.DOWNLOAD
    )


def _is_much(other_bytes: int, own_bytes: int) -> bool:
    share = own_bytes * OTHER_TRAFFIC_LIMIT_PERMILLE // 1000
    return other_bytes >= max(share, OTHER_TRAFFIC_FLOOR_BYTES)


def _limits_of_tcp(phase: Phase, round_trip_us: int) -> Iterator[SelfLimit]:
    """Tell what the sender's TCP waited for: our window, the server's, or the server's data.

    ``round_trip_us`` is the least that was measured from end to end.
    """
    if phase.kind is PhaseKind.DOWNLOAD and phase.tcp_server is not None:
        sender = phase.tcp_server
        if _window_of_the_other_end(sender, round_trip_us):
            yield SelfLimit.RECEIVE_WINDOW
        if _much_of_busy(sender.send_buffer_limited_us, sender):
            yield SelfLimit.SERVER
    if phase.kind is PhaseKind.UPLOAD and phase.tcp_local is not None:
        sender = phase.tcp_local
        if _window_of_the_other_end(sender, round_trip_us):
            yield SelfLimit.SERVER


def _window_of_the_other_end(sender: TcpSummary, round_trip_us: int) -> bool:
    """True if the sender waited for a window that is the other end's.

    A box on the way that takes up connections (a satellite's accelerator, a relay) gives out its
    own window, and closes it because the link behind it is slow: that is the link's doing. It gives
    itself away by answering much sooner than the other end can.
    """
    least_us = sender.min_round_trip_us
    direct = least_us is None or 2 * least_us + _ANSWERING_US >= round_trip_us
    limited_us, busy_us = sender.receive_window_limited_us, sender.busy_us or 0
    opening = limited_us is not None and limited_us < min(WINDOW_OPENS_US, busy_us // 2)
    return direct and not opening and _much_of_busy(limited_us, sender)


def _much_of_busy(limited_us: int | None, sender: TcpSummary) -> bool:
    if limited_us is None or not sender.busy_us:
        return False
    return limited_us * 1000 >= sender.busy_us * WINDOW_LIMIT_PERMILLE
