"""What an upload counts that looks at acknowledgements, in a process that is held up."""

import asyncio
import dataclasses
import time

from fieldsurvey.model.throughput import MeasurementPlan, Mode, PhaseKind
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.loads import Ration
from fieldsurvey.throughput.meter import Meter
from fieldsurvey.throughput.protocols.dialect import Orders
from fieldsurvey.throughput.protocols.foreign_loads import AcknowledgedUpload
from fieldsurvey.throughput.tcp_info import TcpInfo
from tests.support.link_server import in_event_loop

BYTES_PER_S = 1_000_000
PER_BIN = BYTES_PER_S // 20


class SteadyUpload(AcknowledgedUpload):
    """Of which the other end acknowledges a megabyte a second, whether we look or not."""

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders, lambda _: b"", 1 << 40)
        self.sent_bytes = 1 << 40
        self._began_s = time.perf_counter()

    def tcp_info(self) -> TcpInfo:
        acknowledged = round((time.perf_counter() - self._began_s) * BYTES_PER_S)
        return dataclasses.replace(TcpInfo(*[0] * 12), acknowledged_bytes=acknowledged)


@in_event_loop
async def test_a_late_look_makes_no_hole_and_no_burst() -> None:
    meter = Meter(1 << 40)
    plan = MeasurementPlan("http://127.0.0.1:1", "cloudflare", Mode.CALIBRATE)
    orders = Orders(
        kind=PhaseKind.UPLOAD, plan=plan, server=ServerAddress.parse(plan.server_url),
        measurement_id="m", connections=1, meter=meter, ration=Ration(0), seconds=1.0,
        wake=lambda: None,
    )  # fmt: skip
    meter.start()
    load = SteadyUpload(orders)
    load._looked_ns = time.perf_counter_ns()
    load._look()
    await asyncio.sleep(0.1)
    time.sleep(0.2)  # noqa: ASYNC251 - the loop is held up
    await asyncio.sleep(0.1)
    assert load._look_due is not None
    load._look_due.cancel()
    counts = meter.complete_counts(meter.elapsed_us())[:-1]
    assert len(counts) >= 6
    assert all(0.6 * PER_BIN < count < 1.4 * PER_BIN for count in counts), counts
