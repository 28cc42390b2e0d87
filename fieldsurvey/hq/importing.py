"""Batches off a USB stick: the same way in as over the network, and receipts to carry back."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from fieldsurvey.hq.landing import Landed
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.hq.station import Station
from fieldsurvey.wire.batch import parse_batch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.receipt import SignedReceipt


@dataclass(frozen=True, slots=True)
class Imported:
    """``refused``: why, one text each. ``damaged``: what of the bundle could not be read, or ""."""

    receipts: tuple[SignedReceipt, ...]
    replays: int
    refused: tuple[str, ...]
    damaged: str


def import_batches(station: Station, contents: Iterable[bytes]) -> Imported:
    """Land sealed batches one after the other; one that is refused keeps no other out.

    Raises OSError if the bundle cannot be read at all, Refusal if HQ itself cannot take any more.
    """
    receipts: list[SignedReceipt] = []
    refused: list[str] = []
    replays = 0
    damaged = ""
    try:
        for content in contents:
            try:
                landed = asyncio.run(_land(station, content))
            except WireError as error:
                refused.append(str(error))
            except Refusal as error:
                if error.status >= 500:
                    raise
                refused.append(str(error))
            else:
                receipts.append(landed.signed)
                replays += landed.replay
    except WireError as error:  # told last, after all that can be read
        damaged = error.detail
    return Imported(tuple(receipts), replays, tuple(refused), damaged)


async def _land(station: Station, content: bytes) -> Landed:
    header = parse_batch(content).header

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    return await station.landing.land(
        header.device, header.epoch, header.batch_no, chunks(), digest=None
    )
