"""LibreSpeed's dialect: ``garbage.php`` down, ``empty.php`` up, and no word from the server.

The server throws uploads away without saying how much there was, so uploads count what its TCP
acknowledged, and say so in the estimator's name. LibreSpeed itself multiplies by 1.06 and calls it
overhead; must not do that here: goodput is goodput.
"""

from fieldsurvey.model.throughput import PhaseKind
from fieldsurvey.throughput.http_head import new_nonce, request_head
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.loads import Load
from fieldsurvey.throughput.pinger import Pinger
from fieldsurvey.throughput.protocols.dialect import Orders
from fieldsurvey.throughput.protocols.foreign_http import ForeignPinger
from fieldsurvey.throughput.protocols.foreign_loads import AcknowledgedUpload, HttpDownload

CHUNK_BYTES = 1 << 20
MOST_CHUNKS = 100  # what its own clients ask for; servers give up to 1024
BODY_BYTES = 20 * (1 << 20)  # what its own page posts


class LibreSpeedDialect:
    """For a server URL of ``https://HOST/backend`` or wherever ``garbage.php`` lies."""

    name = "librespeed"
    most_connections: int | None = None
    paces = False

    def pinger(self, server: ServerAddress) -> Pinger:
        return ForeignPinger(server, f"GET /empty.php?r={new_nonce()}")

    def load(self, orders: Orders) -> Load:
        server = orders.server

        def ask() -> bytes:
            wanted = -(-orders.meter.limit_bytes // CHUNK_BYTES)
            chunks = min(max(wanted, 1), MOST_CHUNKS)
            return request_head(server, f"GET /garbage.php?ckSize={chunks}&r={new_nonce()}")

        def send(body_bytes: int) -> bytes:
            return request_head(
                server,
                f"POST /empty.php?r={new_nonce()}",
                "Content-Type: application/octet-stream",
                f"Content-Length: {body_bytes}",
            )

        if orders.kind is PhaseKind.DOWNLOAD:
            return HttpDownload(orders, ask)
        return AcknowledgedUpload(orders, send, BODY_BYTES)
