"""Cloudflare's dialect: ``__down?bytes=N`` and ``__up``.

Its own client asks for growing sizes and tells the 90th percentile of them. Must not do that here:
one load, counted in bins, judged as every other. Uploads count what the server's TCP acknowledged,
since the server does not tell, and say so in the estimator's name.
"""

from fieldsurvey.model.throughput import PhaseKind
from fieldsurvey.throughput.http_head import request_head
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.loads import Load
from fieldsurvey.throughput.pinger import Pinger
from fieldsurvey.throughput.protocols.dialect import Orders
from fieldsurvey.throughput.protocols.foreign_http import ForeignPinger
from fieldsurvey.throughput.protocols.foreign_loads import AcknowledgedUpload, HttpDownload

LARGEST_BODY_BYTES = 100_000_000  # the size that its own client asks for at 100 Mbit/s


class CloudflareDialect:
    """For a server URL below which ``__down`` and ``__up`` lie."""

    name = "cloudflare"
    most_connections: int | None = None
    paces = False

    def pinger(self, server: ServerAddress) -> Pinger:
        return ForeignPinger(server, "GET /__down?bytes=0")

    def load(self, orders: Orders) -> Load:
        server = orders.server
        most = min(orders.meter.limit_bytes, LARGEST_BODY_BYTES)

        def ask() -> bytes:
            return request_head(server, f"GET /__down?bytes={most}")

        def send(body_bytes: int) -> bytes:
            return request_head(
                server,
                f"POST /__up?bytes={body_bytes}",
                "Content-Type: text/plain;charset=UTF-8",
                f"Content-Length: {body_bytes}",
            )

        if orders.kind is PhaseKind.DOWNLOAD:
            return HttpDownload(orders, ask)
        return AcknowledgedUpload(orders, send, most)
