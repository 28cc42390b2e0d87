"""An event loop whose time passes only when nothing else is left to do: hours in milliseconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START_UTC_US = 1_760_000_000_000_000


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "waits for something that never comes"
            self.now_s += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Timers and tasks as always; no sockets, no threads."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s


class VirtualClock:
    """A :class:`fieldsurvey.model.clock.Clock` on the running loop's time. ``jump_us`` is what
    somebody set the system clock ahead by."""

    speed = 1.0

    def __init__(self) -> None:
        self.jump_us = 0

    def utc_us(self) -> int:
        return START_UTC_US + self.jump_us + self.mono_us()

    def mono_us(self) -> int:
        try:
            return int(asyncio.get_running_loop().time() * 1_000_000)
        except RuntimeError:  # before the simulation began
            return 0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
