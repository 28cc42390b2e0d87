"""A drive in its own thread, for shells that must not wait: window, command line, tests."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from fieldsurvey.drive.config import DriveConfig
from fieldsurvey.drive.describe import describe
from fieldsurvey.drive.prepare import prepare
from fieldsurvey.drive.run import DriveRun
from fieldsurvey.drive.snapshot import DriveSnapshot, TrailPoint
from fieldsurvey.model.throughput import ThroughputTest

log = logging.getLogger(__name__)

PUBLISH_PERIOD_S = 0.2  # real time; faster than anybody reads
CLOSE_TIMEOUT_S = 30.0


class DriveControl:
    """Owns the acquisition thread. See :class:`DriveControlProtocol` for what a shell may do.

    Raises KnownError when the drive cannot even be prepared (bad URI, no writable folder).
    """

    def __init__(self, config: DriveConfig) -> None:
        prepared = prepare(config)
        self._store = prepared.store
        try:
            self._run = DriveRun(prepared)
        except BaseException:
            self._store.close()  # or whoever corrects the server's address finds the file in use
            raise
        for health, text in prepared.notices:
            self._run.view.tell(health, text)
        self._snapshot = describe(self._run)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = threading.Event()
        self._finish: asyncio.Event | None = None
        self._commands: set[asyncio.Future[None]] = set()  # the loop keeps weak references only
        self._thread = threading.Thread(target=self._acquire, name="acquisition")
        self._thread.start()
        self._running.wait()

    def snapshot(self) -> DriveSnapshot:
        return self._snapshot

    def trail_since(self, index: int) -> list[TrailPoint]:
        return self._run.view.trail_since(index)

    def tests_since(self, index: int) -> list[ThroughputTest]:
        return self._run.view.tests_since(index)

    def start(self) -> None:
        self._command(self._run.start)

    def stop(self) -> None:
        self._command(self._run.stop)

    def test_now(self) -> None:
        self._call(self._run.test_now)

    def mark(self, note: str = "") -> None:
        self._call(lambda: self._run.mark(note))

    def resume(self, accept: bool) -> None:
        self._command(lambda: self._run.answer_resume(accept=accept))

    def close(self) -> None:
        if self._finish is not None:
            self._call(self._finish.set)
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            log.error("the acquisition thread did not end within %s s", CLOSE_TIMEOUT_S)
        self._store.close()

    # -- acquisition thread -----------------------------------------------------------------------

    def _acquire(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._finish = asyncio.Event()
        self._running.set()
        tasks = [asyncio.create_task(self._run.run()), asyncio.create_task(self._publish())]
        await self._finish.wait()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._snapshot = describe(self._run)

    async def _publish(self) -> None:
        while True:
            self._snapshot = describe(self._run)
            await asyncio.sleep(PUBLISH_PERIOD_S)

    def _call(self, function: Callable[[], object]) -> None:
        if self._loop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(function)

    def _command(self, command: Callable[[], Coroutine[Any, Any, None]]) -> None:
        def start() -> None:
            task = asyncio.ensure_future(command())
            self._commands.add(task)
            task.add_done_callback(self._commands.discard)

        self._call(start)
