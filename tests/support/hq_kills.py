"""A server that is killed at random moments under clients that go on trying."""

import http.client
import random
import threading
import time
from dataclasses import dataclass

from fieldsurvey.hq.home import Home
from fieldsurvey.hq.station import open_station
from fieldsurvey.hq.verify import verify
from fieldsurvey.model.clock import SystemClock
from fieldsurvey.wire.batch import SealedBatch
from fieldsurvey.wire.receipt import SignedReceipt
from tests.support.hq_server import Server, enrolled, running
from tests.support.hq_values import Laptop

_CLIENTS = 3


@dataclass(frozen=True)
class KillCampaign:
    kills: int
    acknowledged: int
    replays: int  # the receipt had been given, and lost


class _Client(threading.Thread):
    """Sends batches one after the other, each until it has a receipt."""

    def __init__(self, home: Home, laptop: Laptop, seed: int) -> None:
        super().__init__()
        self.port = 0  # of the server of the moment
        self.ending = threading.Event()
        self.receipts: list[tuple[SealedBatch, SignedReceipt]] = []
        self.replays = 0
        self._laptop = laptop
        self._key = home.key().public_key()
        self._home = home
        self._chance = random.Random(seed)

    def run(self) -> None:
        while not self.ending.is_set():
            payload = self._chance.randbytes(self._chance.choice((100, 20_000, 200_000)))
            one = self._laptop.seal(payload=payload)
            while not self._sent(one):
                time.sleep(0.01)

    def _sent(self, one: SealedBatch) -> bool:
        server = Server(self._home, self.port, None)  # type: ignore[arg-type]
        try:
            answer = server.put(self._laptop, one)
        except (OSError, http.client.HTTPException):
            return False
        if answer.status >= 500:
            return False
        self.receipts.append((one, answer.receipt(self._key)))
        self.replays += answer.status == 200
        return True


def kill_campaign(home: Home, kills: int, seed: int) -> KillCampaign:
    """Kill the server ``kills`` times. Afterwards assert that what was acknowledged is held, once,
    and that all of HQ is in order."""
    chance = random.Random(seed)
    clients = [_Client(home, laptop, seed + n) for n, laptop in enumerate(enrolled(home, _CLIENTS))]
    for kill in range(kills + 1):
        with running(home, "--no-merge") as server:
            for client in clients:
                client.port = server.port
                if kill == 0:
                    client.start()
            time.sleep(chance.uniform(0.05, 0.6))
            if kill < kills:
                server.process.kill()
                server.process.wait()
                continue
            for client in clients:
                client.ending.set()
            for client in clients:
                client.join()
    acknowledged = [pair for client in clients for pair in client.receipts]
    _verify(home, acknowledged)
    return KillCampaign(kills, len(acknowledged), sum(client.replays for client in clients))


def _verify(home: Home, acknowledged: list[tuple[SealedBatch, SignedReceipt]]) -> None:
    with open_station(home, SystemClock()) as station:
        result = verify(station, [receipt for _, receipt in acknowledged])
        assert result.findings == []
        assert result.notes == []
        rows = {row.sha256: row for row in station.ledger.batch_rows()}
        assert len(rows) == result.batches == len(acknowledged)
        for one, _ in acknowledged:
            assert home.raw_shelf().read(rows[one.sha256].path) == one.content
