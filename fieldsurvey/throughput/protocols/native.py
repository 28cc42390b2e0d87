"""Our own dialect, over plain HTTP."""

from fieldsurvey.model.throughput import PhaseKind
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.loads import Download, Load, Upload
from fieldsurvey.throughput.pinger import Pinger
from fieldsurvey.throughput.protocols.dialect import Orders


class NativeDialect:
    """See the module."""

    name = "native"
    most_connections: int | None = None

    def pinger(self, server: ServerAddress) -> Pinger:
        return Pinger(server)

    def load(self, orders: Orders) -> Load:
        if orders.kind is PhaseKind.DOWNLOAD:
            return Download(orders.server, orders.meter, orders.seconds, orders.wake)
        return Upload(orders.server, orders.meter, orders.seconds, orders.wake, orders.ration)
