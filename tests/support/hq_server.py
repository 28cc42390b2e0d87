"""A real HQ in a process of its own, and a plain client that shares no code with ours."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fieldsurvey.hq.home import Home, Settings, init_home
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.wire.batch import SealedBatch
from fieldsurvey.wire.keys import Ed25519PublicKey
from fieldsurvey.wire.receipt import SignedReceipt, receipt_from_answer
from tests.support.hq_values import Laptop

TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The word of a refusal."""
        code: str = json.loads(self.body)["code"]
        return code

    def receipt(self, key: Ed25519PublicKey) -> SignedReceipt:
        """The receipt, its signature checked."""
        signed = receipt_from_answer(self.body)
        signed.verify(key)
        return signed


@dataclass
class Server:
    home: Home
    port: int
    process: "subprocess.Popen[str]"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        token: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Ask on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            given = dict(headers or {})
            if token:
                given["Authorization"] = f"Bearer {token}"
            connection.request(method, path, body, given)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def put(self, laptop: Laptop, one: SealedBatch, **given: object) -> Answer:
        """Send a batch as ``laptop`` does."""
        token = str(given.pop("token", laptop.token))
        return self.ask("PUT", batch_path(one), one.content, token, **given)  # type: ignore[arg-type]

    def state(self, laptop: Laptop) -> dict[str, object]:
        path = f"/v1/devices/{laptop.device}/epochs/{laptop.epoch}/state"
        document: dict[str, object] = json.loads(self.ask("GET", path, token=laptop.token).body)
        return document

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S)


def batch_path(one: SealedBatch) -> str:
    header = one.header
    return f"/v1/devices/{header.device}/epochs/{header.epoch}/batches/{header.batch_no}"


def put_head(one: SealedBatch, token: str, length: int) -> bytes:
    """The head of a request as it goes over a socket."""
    return (
        f"PUT {batch_path(one)} HTTP/1.1\r\nHost: hq\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def make_home(folder: Path, **settings: object) -> Home:
    """An HQ without a second disk; no patience is asked for unless ``settings`` say so."""
    given = {"requests_per_s": 1e6, "burst_requests": 1_000_000, "durable_without_mirror": True}
    return init_home(folder, Settings("hq.test", **(given | settings)))  # type: ignore[arg-type]


def enrolled(home: Home, count: int = 1) -> list[Laptop]:
    """Devices that HQ knows."""
    ledger: Ledger = home.ledger()
    try:
        return [Laptop().enrol(ledger.devices, time.time_ns() // 1000) for _ in range(count)]
    finally:
        ledger.close()


@contextmanager
def running(home: Home, *options: str) -> Iterator[Server]:
    """Serve ``home`` while the block lasts; it is stopped the way a service manager would."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "fieldsurvey", "hq", "serve", str(home.folder),
            "--listen", "127.0.0.1:0", "--ready-json", "--until-stdin-closes", *options,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        line = process.stdout.readline()
        yield Server(home, json.loads(line)["port"], process)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    finally:
        try:
            process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdin.close()
        process.stdout.close()
