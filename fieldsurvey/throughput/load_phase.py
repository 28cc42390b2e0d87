"""One load: opens its connections, counts, asks the stop rule, and says what came of it.

Must not outlast its bounds in seconds and bytes, whatever the server does, and must not leave a
rate on a phase that broke.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from fieldsurvey.model.throughput import (
    Bins,
    Cause,
    Estimate,
    MeasurementPlan,
    Outcome,
    Phase,
    PhaseKind,
)
from fieldsurvey.throughput.arrivals import Arrivals
from fieldsurvey.throughput.causes import LinkError
from fieldsurvey.throughput.estimator import Estimator
from fieldsurvey.throughput.link import Link
from fieldsurvey.throughput.loads import Load, Ration
from fieldsurvey.throughput.meter import Meter
from fieldsurvey.throughput.protocols.dialect import Dialect, Orders
from fieldsurvey.throughput.protocols.ending import Ending
from fieldsurvey.throughput.stop_rule import StopRule
from fieldsurvey.throughput.tcp_info import summary

TICK_S = 0.025
PROGRESS_TICKS = 4  # 10 Hz
REPORT_GRACE_S = 0.5  # for the server's last counts, once an upload has ended
SERVER_MARGIN_S = 3.0  # the server is asked for more time, so that it is the client who ends a load

Tell = Callable[[int, int | None], None]  # payload bytes, rate


class LoadPhase:
    """Download or upload of one test. Open, run, close, result: in this order."""

    def __init__(
        self,
        kind: PhaseKind,
        plan: MeasurementPlan,
        link: Link,
        dialect: Dialect,
        estimator: Estimator,
        round_trip_us: int,
        measurement_id: str,
    ) -> None:
        self._kind = kind
        self._plan = plan
        self._link = link
        self._estimator = estimator
        self._round_trip_us = round_trip_us
        self._meter = Meter(plan.max_bytes)
        self._pinger = dialect.pinger(link.server)
        self._pinging: asyncio.Task[None] | None = None
        self._arrivals = Arrivals(self._meter.width_us)
        self._looked_bins = 0
        self._wake = asyncio.Event()
        self._began_ns = time.perf_counter_ns()
        self._duration_us: int | None = None  # of a load that ended as it should
        self._opened = False
        self._estimated: tuple[int, Estimate | None] = 0, None
        connections = min(plan.connections, dialect.most_connections or plan.connections)
        orders = Orders(
            kind=kind,
            plan=plan,
            server=link.server,
            measurement_id=measurement_id,
            connections=connections,
            meter=self._meter,
            ration=Ration(plan.max_bytes),
            seconds=plan.max_duration_us / 1e6 + SERVER_MARGIN_S,
            wake=self._wake.set,
        )
        self._loads: list[Load] = [dialect.load(orders) for _ in range(connections)]

    @property
    def server_id(self) -> str | None:
        return self._loads[0].server_id

    @property
    def congestion_control(self) -> str | None:
        return self._loads[0].congestion_control

    def wire_bytes(self) -> int:
        """Return the payload this load put on the link, as far as it can be known here."""
        if self._kind is PhaseKind.DOWNLOAD:
            return self._meter.total_bytes
        return sum(load.sent_bytes for load in self._loads)

    def link_bytes(self) -> int:
        """Return what went over the link, what still waits for a lost packet included."""
        return max(self.wire_bytes(), self._arrivals.total_bytes())

    def _bytes_when_noticed(self) -> int:
        """Return what a download will have put on the link if we let go now: the server goes on
        for the round trip that it takes to notice. An upload's ration is kept on our side."""
        estimate = self._estimated[1]
        if self._kind is not PhaseKind.DOWNLOAD or estimate is None:
            return self._meter.total_bytes
        round_trip_us = max((self._round_trip_us, *self._pinger.round_trips_us[-1:]))
        return self.link_bytes() + estimate.rate_bps * round_trip_us // 8_000_000

    def failed_on_kept(self) -> bool:
        """Return whether a connection from before this test is still without an answer."""
        return any(
            self._link.is_reused(load.protocol) and load.server_id is None for load in self._loads
        )

    async def open(self) -> None:
        """Connect everything at the same time; raises the first failure."""
        pinger = asyncio.ensure_future(self._link.open(self._pinger))
        loads = [asyncio.ensure_future(self._link.open(load.protocol)) for load in self._loads]
        try:
            await asyncio.gather(*loads)
            with suppress(OSError, LinkError):  # no pings under load, but a load all the same
                await pinger
        finally:
            for task in (pinger, *loads):
                task.cancel()
            await asyncio.gather(pinger, *loads, return_exceptions=True)
        self._opened = True

    async def run(self, rule: StopRule, tell: Tell, tick: Callable[[], None]) -> str:
        """Load the link and return why it ended; raises what broke it.

        ``tick`` is called at least every 25 ms.
        """
        self._began_ns = time.perf_counter_ns()
        self._meter.start()
        self._look_at_arrivals()
        self._pinging = asyncio.ensure_future(self._pinger.keep_asking())
        for load in self._loads:
            load.start()
        ticks = 0
        while (reason := self._reason_to_end(rule)) is None:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(TICK_S, self._until_edge_s())):
                    await self._wake.wait()
            if self._until_edge_s() <= 0:
                self._look_at_arrivals()
            tick()
            if self._meter.elapsed_us() > ticks * PROGRESS_TICKS * TICK_S * 1e6:
                ticks += 1
                tell(self._meter.total_bytes, self._meter.reading_bps(self._counted_us()))
        self._look_at_arrivals()
        if reason == "time":
            await self._last_counts()
            self._duration_us = self._plan.max_duration_us
        elif reason == "bytes" and self._kind is PhaseKind.DOWNLOAD:
            self._duration_us = (self._meter.last_ns - self._meter.start_ns) // 1000
        else:
            self._duration_us = self._counted_us()
        return reason

    def close(self) -> None:
        """Let go of every connection at once."""
        if self._pinging is not None:
            self._pinging.cancel()
        self._pinger.close()
        for load in self._loads:
            load.close()

    def result(self, start_offset_us: int, ending: Ending) -> Phase:
        """Return what was counted; a rate only where the load was completed."""
        duration_us = self._duration_us
        if duration_us is None:
            duration_us = (time.perf_counter_ns() - self._began_ns) // 1000
        completed = ending.outcome is Outcome.COMPLETED
        return Phase(
            kind=self._kind,
            start_offset_us=start_offset_us,
            duration_us=duration_us,
            payload_bytes=self._meter.total_bytes,
            connections=sum(load.server_id is not None for load in self._loads),
            bins=self._meter.bins(duration_us) if self._opened else None,
            estimate=self._estimate(duration_us) if completed else None,
            round_trips_us=tuple(self._pinger.round_trips_us),
            round_trips_lost=self._pinger.lost(),
            outcome=ending.outcome,
            cause=ending.cause,
            tcp_local=summary(load.tcp_info() for load in self._loads),
            tcp_server=summary(load.tcp_server for load in self._loads),
            arrivals=self._arrived(duration_us) if completed else None,
        )

    def _until_edge_s(self) -> float:
        """Return how long until the next bin begins, whose edge the arrivals are looked at."""
        edge_us = (self._looked_bins + 1) * self._meter.width_us
        return (edge_us - self._meter.elapsed_us()) / 1e6

    def _look_at_arrivals(self) -> None:
        if self._kind is PhaseKind.DOWNLOAD:
            at_us = self._meter.elapsed_us()
            self._arrivals.look(at_us, [load.received() for load in self._loads])
            self._looked_bins = at_us // self._meter.width_us

    def _arrived(self, duration_us: int) -> Bins | None:
        counts = self._arrivals.counts(-(-duration_us // self._meter.width_us))
        return None if counts is None else Bins(counts, self._meter.width_us)

    def _reason_to_end(self, rule: StopRule) -> str | None:
        self._raise_trouble()
        if self._meter.full or self._bytes_when_noticed() >= self._plan.max_bytes:
            return "bytes"
        if all(load.at_limit or load.trouble is not None for load in self._loads):
            if self._meter.total_bytes == 0:
                raise LinkError(Cause.ENGINE, "the server ended the load before its first byte")
            return "server_limit"
        if self._meter.silent_us() >= self._plan.stall_timeout_us:
            raise LinkError(Cause.STALLED, "connected, but nothing came any more")
        if self._meter.elapsed_us() >= self._plan.max_duration_us:
            if self._meter.total_bytes == 0:
                raise LinkError(Cause.STALLED, "connected, but nothing came at all")
            return "time"
        estimate = self._estimate_so_far()
        return None if estimate is None else rule.reason(estimate)

    def _raise_trouble(self) -> None:
        """Raise what the server said against us, or what broke the last connection.

        One connection of several that breaks leaves a load that is slower, not one that is over;
        but one kept from before that never came to life has to be replaced.
        """
        broken = [load for load in self._loads if load.trouble is not None]
        for load in broken:
            never_began = load.server_id is None and self._link.is_reused(load.protocol)
            is_said = isinstance(load.trouble, LinkError)
            if load.trouble and (is_said or never_began or len(broken) == len(self._loads)):
                raise load.trouble

    def _counted_us(self) -> int:
        """Return up to when the receiver's counts are known."""
        told = [load.counted_until_us() for load in self._loads if load.trouble is None]
        return min([self._meter.elapsed_us(), *(us for us in told if us is not None)])

    async def _last_counts(self) -> None:
        """Wait for the counts of the load's last moments, which are still on their way.

        What has not come after the grace is taken for silence: bins of zero, not shorter time.
        """
        for load in self._loads:
            load.stop_sending()
        with suppress(TimeoutError):
            async with asyncio.timeout(REPORT_GRACE_S):
                while self._counted_us() < self._plan.max_duration_us:
                    self._wake.clear()
                    await self._wake.wait()
        self._raise_trouble()

    def _estimate_so_far(self) -> Estimate | None:
        """Return the estimate from the complete bins; computed once for each of them."""
        counted_us = self._counted_us()
        bins = counted_us // self._meter.width_us
        if bins != self._estimated[0]:
            self._estimated = bins, self._estimate(counted_us)
        return self._estimated[1]

    def _estimate(self, duration_us: int) -> Estimate | None:
        width_us = self._meter.width_us
        arrived = self._arrivals.counts(duration_us // width_us)
        counts = self._meter.complete_counts(duration_us) if arrived is None else arrived
        if not counts and duration_us > 0:  # over within one bin
            counts, width_us = (self._meter.total_bytes,), duration_us
        return self._estimator.estimate(
            counts, width_us, self._plan.ramp_max_us, self._round_trip_us
        )
