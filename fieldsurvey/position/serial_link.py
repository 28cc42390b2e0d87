"""Bytes from a serial port, read by a thread because no event loop can wait for one on Windows."""

import asyncio
import contextlib
import errno
import logging
import threading
from typing import Any

from fieldsurvey.model.clock import Clock
from fieldsurvey.model.messages import Message, message
from fieldsurvey.position.stream import Arrival, LinkError, moment

READ_S = 0.2  # how long the thread may miss that it should end, if a driver cannot be interrupted
JOIN_S = 0.5

_log = logging.getLogger(__name__)


class SerialLink:
    """One serial port at one baud rate."""

    def __init__(self, port: str, baud: int, clock: Clock) -> None:
        self.port = port
        self.baud = baud
        self._clock = clock
        self._reader: _Reader | None = None

    async def open(self) -> None:
        """See ``Link``."""
        self._reader = _Reader(self.port, self.baud, self._clock)
        self._reader.start()
        first = await self._reader.arrivals.get()
        if isinstance(first, LinkError):
            raise first

    async def read(self) -> Arrival:
        """See ``Link``."""
        assert self._reader is not None, "read before open"
        arrival = await self._reader.arrivals.get()
        if isinstance(arrival, LinkError):
            raise arrival
        return arrival

    def close(self) -> None:
        """See ``Link``."""
        if self._reader is not None:
            self._reader.end()
        self._reader = None


class _Reader(threading.Thread):
    """Opens the port, hands over its bytes, closes it.

    A daemon, since a hung driver must not keep the application from ending. The first thing
    handed over is an empty arrival when the port is open, or the error.
    """

    def __init__(self, port: str, baud: int, clock: Clock) -> None:
        super().__init__(name=f"serial {port}", daemon=True)
        self.arrivals: asyncio.Queue[Arrival | LinkError] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._device = port
        self._baud = baud
        self._clock = clock
        self._port: Any = None
        self._ended = threading.Event()

    def run(self) -> None:
        import serial

        try:
            self._port = serial.Serial(self._device, self._baud, timeout=READ_S, exclusive=True)
        except (OSError, ValueError) as error:
            _log.info("cannot open %s: %s", self._device, error)
            self._hand_over(LinkError(_cannot_open(self._device, error)))
            return
        try:
            self._hand_over(Arrival(b"", moment(self._clock)))
            while not self._ended.is_set():
                data = self._port.read(1) + self._port.read(self._port.in_waiting)
                if data:
                    self._hand_over(Arrival(data, moment(self._clock)))
        except (OSError, TypeError) as error:  # pyserial: TypeError when closed while reading
            _log.info("lost %s: %s", self._device, error)
            self._hand_over(LinkError(message("position.unplugged", source=self._device)))
        finally:
            self._port.close()

    def end(self) -> None:
        """Release the port; returns when it is released, unless its driver hangs."""
        self._ended.set()
        if self._port is None:
            return  # still opening: ends by itself as soon as the driver lets it
        with contextlib.suppress(OSError, AttributeError, TypeError):
            self._port.cancel_read()
        self.join(JOIN_S)

    def _hand_over(self, arrival: Arrival | LinkError) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended first
            self._loop.call_soon_threadsafe(self.arrivals.put_nowait, arrival)


def _cannot_open(port: str, error: Exception) -> Message:
    number = getattr(error, "errno", None)
    if number == errno.EACCES:
        return message("position.port_denied", source=port)
    if number in (errno.EBUSY, errno.EAGAIN) or "PermissionError" in str(error):  # Windows: taken
        return message("position.port_busy", source=port)
    return message("position.no_port", source=port)
