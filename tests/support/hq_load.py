"""Many laptops at once, as a process of its own: sends sealed batches and tells how long each took.

As a script it reads port and number of connections from the command line, the requests from stdin
(pickled), and prints what it saw as JSON.
"""

import asyncio
import json
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass

from fieldsurvey.wire.batch import SealedBatch
from tests.support.hq_server import put_head

_CONNECTIONS = 8


@dataclass(frozen=True)
class Load:
    batches: int
    seconds: float
    p50_ms: float
    p99_ms: float
    most_ms: float


def send_all(
    port: int, batches: list[tuple[SealedBatch, str]], connections: int = _CONNECTIONS
) -> Load:
    """Send every batch with its token from another process, so many at a time."""
    requests = [put_head(one, token, len(one.content)) + one.content for one, token in batches]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.hq_load", str(port), str(connections)],
        input=pickle.dumps(requests),
        stdout=subprocess.PIPE,
        check=True,
        timeout=1_800,
    )
    return Load(**json.loads(done.stdout))


async def _send(port: int, connections: int, requests: list[bytes]) -> list[float]:
    waiting = iter(requests)
    took_s: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            began_s = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith((b"HTTP/1.1 201", b"HTTP/1.1 202")), head
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            took_s.append(time.perf_counter() - began_s)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))
    return took_s


def _main() -> None:
    requests: list[bytes] = pickle.loads(sys.stdin.buffer.read())
    began_s = time.perf_counter()
    took_s = sorted(asyncio.run(_send(int(sys.argv[1]), int(sys.argv[2]), requests)))
    load = Load(
        len(took_s),
        time.perf_counter() - began_s,
        1e3 * took_s[len(took_s) // 2],
        1e3 * took_s[len(took_s) * 99 // 100],
        1e3 * took_s[-1],
    )
    sys.stdout.write(json.dumps(load.__dict__))


if __name__ == "__main__":
    _main()
