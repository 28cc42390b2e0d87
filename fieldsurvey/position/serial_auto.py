"""Finds the receiver among the serial ports by listening to each.

Must not write to a port: the next one may be a modem or a machine.
"""

import asyncio
from collections.abc import Callable, Iterable

from fieldsurvey.model.clock import Clock
from fieldsurvey.model.messages import message
from fieldsurvey.position.sentences import SentenceFinder
from fieldsurvey.position.serial_link import SerialLink
from fieldsurvey.position.stream import Arrival, LinkError

BAUDS = (9600, 4800, 38400, 115200)  # factory settings of NMEA receivers, commonest first
LISTEN_S = 1.6  # receivers speak every second
ENOUGH_SENTENCES = 2
GNSS_VENDORS = (0x1546, 0x091E)  # USB: u-blox, Garmin


def listed_ports() -> list[str]:
    """Return the computer's serial ports: known receivers, then USB, then the rest."""
    from serial.tools.list_ports import comports

    ports = sorted(
        comports(), key=lambda port: (port.vid not in GNSS_VENDORS, port.vid is None, port.device)
    )
    return [port.device for port in ports]


class AutoSerialLink:
    """Like ``SerialLink``, on whichever port speaks NMEA when it is opened."""

    def __init__(
        self, clock: Clock, list_ports: Callable[[], Iterable[str]] = listed_ports
    ) -> None:
        self._clock = clock
        self._list_ports = list_ports
        self._link: SerialLink | None = None
        self._known: SerialLink | None = None

    async def open(self) -> None:
        """See ``Link``."""
        ports = list(self._list_ports())
        known = self._known
        if known and known.port in ports and await self._is_receiver(known.port, known.baud):
            return
        for port in ports:
            for baud in BAUDS:
                if await self._is_receiver(port, baud):
                    return
                if not self._heard:
                    break  # silent at any rate
        raise LinkError(message("position.no_receiver_found", ports=", ".join(ports) or "–"))

    async def read(self) -> Arrival:
        """See ``Link``."""
        assert self._link is not None, "read before open"
        return await self._link.read()

    def close(self) -> None:
        """See ``Link``."""
        if self._link is not None:
            self._link.close()
        self._link = None

    async def _is_receiver(self, port: str, baud: int) -> bool:
        self._heard = False
        self._link = SerialLink(port, baud, self._clock)
        sentences = SentenceFinder()
        try:
            async with asyncio.timeout(LISTEN_S / self._clock.speed):
                await self._link.open()
                while sentences.intact < ENOUGH_SENTENCES:
                    sentences.feed((await self._link.read()).data)
                    self._heard = True
        except (TimeoutError, LinkError):
            self.close()
            return False
        self._known = self._link
        return True
