"""A client of the measurement server that behaves; also as a process of its own, so that what it
sees is not held up by the test that asks for it:

``python -m tests.support.honest_client PORT SECONDS SOURCE PACE`` prints the bytes it got
in that time.
"""

import asyncio
import sys
import time

from fieldsurvey.throughput.websocket import MEASUREMENT_PROTOCOL

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def upgrade_request(target: str) -> bytes:
    """The head that begins a load over WebSocket."""
    return (
        f"GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
        f"Sec-WebSocket-Protocol: {MEASUREMENT_PROTOCOL}\r\n\r\n"
    ).encode()


async def connected(
    port: int, source: str = "127.0.0.1"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect from an address of this machine: another address is another client."""
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


def read_head(head: bytes) -> tuple[int, dict[str, str]]:
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines if line)
    return int(status.split()[1]), {name.lower(): value for name, _, value in pairs}


async def download(
    port: int, seconds: float, source: str = "127.0.0.1", mid: str = "honest", pace_bps: int = 0
) -> tuple[int, int]:
    """Download over one connection; return all bytes, and those of the first ``seconds``."""
    reader, writer = await connected(port, source)
    pace = f"&pace={pace_bps}" if pace_bps else ""
    target = f"/throughput/v1/download?streams=1&duration={seconds * 1000:.0f}&mid={mid}{pace}"
    try:
        writer.write(upgrade_request(target))
        status, _ = read_head(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10))
        assert status == 101, status
        began_s, total, in_time = time.monotonic(), 0, 0
        while data := await asyncio.wait_for(reader.read(1 << 20), 10):
            total += len(data)
            in_time += len(data) if time.monotonic() - began_s <= seconds else 0
        return total, in_time
    finally:
        writer.transport.abort()


if __name__ == "__main__":
    port, seconds, source, pace_bps = sys.argv[1:]
    print(asyncio.run(download(int(port), float(seconds), source, pace_bps=int(pace_bps)))[1])  # noqa: T201 - its answer
