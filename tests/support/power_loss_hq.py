"""A laptop that seals and an HQ that lands, every write of both recorded.

Says "sealed N" after each sealed batch and "receipt N" when HQ has signed for it, and "merged N"
once it is in the archive.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from fieldsurvey.hq.home import Home, Settings, init_home
from fieldsurvey.hq.merge import merge_once
from fieldsurvey.hq.station import open_station
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.store.outbox import BatchId, Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync.parts import new_epoch
from fieldsurvey.sync.seal import seal_next
from fieldsurvey.wire.keys import Ed25519PrivateKey, public_key_text
from tests.support.store_values import a_drive, a_fix, a_sample

DRIVE_ID = "cut"


def prepare(folder: Path) -> Path:
    """Make an HQ, before anything is recorded. Returns the private key's file."""
    init_home(folder / "hq", Settings("hq"))
    with SurveyFile.create(folder / "a.fsurvey") as survey:
        survey.begin_drive(a_drive(DRIVE_ID))
    return folder / "a.fsurvey"


def work(folder: Path, batches: int) -> None:
    """Record, seal, land and merge, batch by batch."""
    clock, key = SystemClock(), Ed25519PrivateKey.generate()
    home = Home.open(folder / "hq")
    with (
        open_station(home, clock) as station,
        SurveyFile.open(folder / "a.fsurvey") as survey,
    ):
        devices = station.ledger.devices
        code = devices.new_code("device", 1.0, clock.utc_us())
        device, _ = devices.enrol(code, public_key_text(key.public_key()), clock.utc_us())
        outbox = Outbox(survey)
        for number in range(batches):
            seconds = range(number * 3, number * 3 + 3)
            survey.append(
                DRIVE_ID,
                fixes=[a_fix(second) for second in seconds],
                samples=[a_sample(second) for second in seconds],
            )
            sealed = seal_next(outbox, device, key, clock.utc_us(), new_epoch)
            assert sealed is not None
            _say(f"sealed {number}")
            header = sealed.header

            async def body(content: bytes = sealed.content) -> AsyncIterator[bytes]:
                yield content

            landed = asyncio.run(
                station.landing.land(device, header.epoch, number, body(), digest=None)
            )
            _say(f"receipt {number}")
            batch = BatchId(header.epoch, number)
            outbox.acknowledge(batch, landed.signed, clock.utc_us())
            if number % 3 == 2:
                station.log.checkpoint()
                merge_once(station.ledger, home.raw_shelf(), home.archive_shelf())
                _say(f"merged {number}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the acknowledgement


if __name__ == "__main__":
    work(Path(sys.argv[1]), int(sys.argv[2]))
