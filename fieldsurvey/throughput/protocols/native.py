"""Our own dialect: throughput1 over WebSocket, asked for pacing and for bins."""

from fieldsurvey.model.throughput import PhaseKind
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.loads import Download, Load, Query, Upload
from fieldsurvey.throughput.pinger import Pinger
from fieldsurvey.throughput.protocols.dialect import Orders


class NativeDialect:
    """See the module."""

    name = "native"
    most_connections: int | None = None
    paces = True

    def pinger(self, server: ServerAddress) -> Pinger:
        return Pinger(server, overlapping=True)

    def load(self, orders: Orders) -> Load:
        query = Query(
            orders.measurement_id,
            orders.connections,
            orders.seconds,
            orders.plan.max_bytes,
            orders.plan.pace_bps // orders.connections,
            orders.plan.access_token,
        )
        if orders.kind is PhaseKind.DOWNLOAD:
            return Download(orders.server, orders.meter, orders.wake, query)
        return Upload(orders.server, orders.meter, orders.wake, query, orders.ration)
