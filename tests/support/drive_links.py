"""Ways to the measurement server: one that knows who uses it, one that is slow."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from fieldsurvey.cli.child import ChildProcess
from fieldsurvey.cli.demo import MEASURE_SERVER

PIECE_BYTES = 65_536


@dataclass
class Doorman:
    """Stands before a server; counts bytes sent to each source address, turns some away."""

    url: str = ""
    turned_away: frozenset[str] = frozenset()
    sent_bytes: dict[str, int] = field(default_factory=dict)
    _tasks: set[asyncio.Task[object]] = field(default_factory=set)


@contextmanager
def doorman(port: int) -> Iterator[Doorman]:
    """Pass connections on to ``port`` on 127.0.0.1."""
    door = Doorman()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def carry(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: str | None
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                writer.write(piece)
                await writer.drain()
                if source is not None:
                    door.sent_bytes[source] = door.sent_bytes.get(source, 0) + len(piece)
        writer.close()

    async def serve(client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        source = back.get_extra_info("peername")[0]
        task = asyncio.current_task()
        assert task is not None
        door._tasks.add(task)
        try:
            if source in door.turned_away:
                return
            server, to_server = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(carry(client, to_server, None), carry(server, back, source))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            back.close()
            door._tasks.discard(task)

    async def open_door() -> asyncio.Server:
        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        door.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        return listener

    async def close_door(listener: asyncio.Server) -> None:
        listener.close()
        tasks = list(door._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # transports close in the loop

    try:
        listener = asyncio.run_coroutine_threadsafe(open_door(), loop).result(5)
        try:
            yield door
        finally:
            asyncio.run_coroutine_threadsafe(close_door(listener), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@contextmanager
def server_of(rate_mbps: float, folder: Path) -> Iterator[str]:
    """A measurement server behind a link of ``rate_mbps`` all the time; yields its URL."""
    trace = folder / f"steady-{rate_mbps:g}.csv"
    trace.write_text(f"t_s,rate_mbps\n0,{rate_mbps}\n1,{rate_mbps}\n", encoding="ascii")
    with (
        ChildProcess(*MEASURE_SERVER) as server,
        ChildProcess(
            "fieldsurvey.throughput.shaped_link",
            *("--listen", "127.0.0.1:0", "--target", f"127.0.0.1:{server.ready_port()}"),
            *("--trace", str(trace), "--speed", "1", "--ready-json"),
        ) as link,
    ):
        port = link.ready_port()
        link.write_line("start")
        yield f"http://127.0.0.1:{port}"
