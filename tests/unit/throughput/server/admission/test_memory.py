"""Fifty tests at once, and clients that do not read, in a server process of its own."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from tests.support.honest_client import connected, upgrade_request
from tests.support.measure_server import ROOT, server_process

TESTS = 50
CONNECTIONS = 5  # of each test: four read as fast as they can, one hardly at all
SECONDS = 2
LARGEST_GROWTH_BYTES = 130_000_000  # 70 to 81 MB were seen


async def load_everything(port: int) -> tuple[int, int]:
    """Download over all connections; return how many were let in, and all bytes."""
    held = []
    for test in range(TESTS):
        for _ in range(CONNECTIONS):
            held.append((test, *await connected(port, f"127.0.0.{2 + test % 5}")))
    total, let_in = 0, 0

    async def read(
        test: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pause_s: float
    ) -> None:
        nonlocal total, let_in
        target = f"/throughput/v1/download?streams=4&duration={SECONDS * 1000}&mid={test}"
        writer.write(upgrade_request(target))
        head = await reader.readuntil(b"\r\n\r\n")
        let_in += b" 101 " in head[:20]
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(SECONDS + 2):
                while data := await reader.read(65_536):
                    total += len(data)
                    await asyncio.sleep(pause_s)
        writer.transport.abort()

    readers = (
        read(*one, 0.5 if index % CONNECTIONS == 0 else 0.0) for index, one in enumerate(held)
    )
    await asyncio.gather(*readers)
    return let_in, total


def test_memory_is_bounded_at_fifty_tests(tmp_path: Path) -> None:
    options = ("--pause-s", "0.5", "--tests", str(TESTS))
    with server_process(tmp_path, *options) as server:
        server.health()
        before_bytes = server.memory_bytes()

        async def watch() -> tuple[int, int, int]:
            clients = await asyncio.create_subprocess_exec(
                *(sys.executable, __file__, str(server.port)),
                stdout=asyncio.subprocess.PIPE,
                cwd=ROOT,
                env={"PYTHONPATH": str(ROOT)},
            )
            largest_bytes = before_bytes
            while clients.returncode is None:
                largest_bytes = max(largest_bytes, server.memory_bytes())
                with suppress(TimeoutError):
                    await asyncio.wait_for(clients.wait(), 0.05)
            assert clients.stdout is not None
            let_in, total = map(int, (await clients.stdout.read()).split())
            return largest_bytes - before_bytes, let_in, total

        grown_bytes, let_in, total = asyncio.run(watch())
        assert let_in == TESTS * CONNECTIONS
        assert total > 5_000_000  # a busy machine moves little, and buffers fill all the same
        said = f"grown by {grown_bytes / 1e6:.0f} MB while {total / 1e6:.0f} MB were read"
        print(said)  # noqa: T201 - shown by pytest -s
        assert grown_bytes < LARGEST_GROWTH_BYTES, said
        assert server.errors() == ""


if __name__ == "__main__":
    print(*asyncio.run(load_everything(int(sys.argv[1]))))  # noqa: T201 - its answer
