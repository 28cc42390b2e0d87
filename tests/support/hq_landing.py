"""Landing without a network."""

import asyncio
from collections.abc import AsyncIterator

from fieldsurvey.hq.landing import Landed
from fieldsurvey.hq.station import Station
from fieldsurvey.wire.batch import SealedBatch


def land(station: Station, one: SealedBatch, piece_bytes: int = 10_000) -> Landed:
    """Land a batch that comes in pieces."""
    header = one.header

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(one.content), piece_bytes):
            yield one.content[start : start + piece_bytes]

    return asyncio.run(
        station.landing.land(header.device, header.epoch, header.batch_no, pieces(), None)
    )
