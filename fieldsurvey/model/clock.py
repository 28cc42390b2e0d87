"""Clocks that are passed in, so that a test or a replay can run faster or stand still.

Must not be bypassed: no module of the house asks ``time`` for a stored time stamp.
"""

import asyncio
import time
from typing import Protocol

US_PER_S = 1_000_000


class Clock(Protocol):
    """Time as a drive sees it. ``speed`` is drive seconds per real second (1 outside replays)."""

    @property
    def speed(self) -> float: ...

    def utc_us(self) -> int:
        """Microseconds since 1970 in UTC; may jump when somebody sets the system clock."""
        ...

    def mono_us(self) -> int:
        """Microseconds that never go back; comparable within one run of the process only."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` of drive time."""
        ...


class SystemClock:
    """The computer's own clocks."""

    speed = 1.0

    def utc_us(self) -> int:
        return time.time_ns() // 1000

    def mono_us(self) -> int:
        return time.monotonic_ns() // 1000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ScaledClock:
    """Runs ``speed`` times as fast as the computer's clocks, from ``anchor_utc_us`` on.

    Used by replays: position, link trace and drive then share one notion of a second.
    """

    def __init__(self, speed: float, anchor_utc_us: int | None = None) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self._speed = speed
        self._real_start_ns = time.monotonic_ns()
        self._anchor_utc_us = time.time_ns() // 1000 if anchor_utc_us is None else anchor_utc_us

    @property
    def speed(self) -> float:
        return self._speed

    def _elapsed_us(self) -> int:
        return int((time.monotonic_ns() - self._real_start_ns) / 1000 * self._speed)

    def utc_us(self) -> int:
        return self._anchor_utc_us + self._elapsed_us()

    def mono_us(self) -> int:
        return self._real_start_ns // 1000 + self._elapsed_us()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)
