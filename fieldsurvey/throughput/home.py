"""Where sessions live: one event loop for the life of the measuring process, and what it keeps.

Must not hold up the end of the process: its thread is a daemon, and nobody waits for it.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from fieldsurvey.throughput.warm import WarmConnections

_Result = TypeVar("_Result")
_CLOSING_TURNS = 5  # of the loop, until transports that were let go of have closed their sockets


class Home:
    """An event loop in a thread of its own. Connections kept between tests are watched by it."""

    def __init__(self) -> None:
        self.warm = WarmConnections()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._chore: asyncio.Task[Any] | None = None

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Do ``work`` there and wait for it, whatever is still going on between tests."""
        return asyncio.run_coroutine_threadsafe(
            self._first_stop_chore(work), self._running()
        ).result()

    def between_tests(self, chore: Coroutine[Any, Any, None]) -> None:
        """Do ``chore`` until the next test begins. To be called from the loop."""
        self._chore = asyncio.ensure_future(chore)

    def close(self) -> None:
        """Let go of everything kept, and of the thread."""
        if self._loop is None or self._thread is None:
            return
        self.run(self._let_go())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="sessions", daemon=True
            )
            self._thread.start()
        return self._loop

    async def _first_stop_chore(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        chore, self._chore = self._chore, None
        if chore is not None:
            chore.cancel()
            await asyncio.gather(chore, return_exceptions=True)
        return await work

    async def _let_go(self) -> None:
        self.warm.close()
        for _ in range(_CLOSING_TURNS):
            await asyncio.sleep(0)
