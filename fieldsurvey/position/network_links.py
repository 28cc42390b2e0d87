"""Bytes from the network: a TCP server (or gpsd) we connect to, UDP datagrams sent to us."""

import asyncio

from fieldsurvey.model.clock import Clock
from fieldsurvey.model.messages import message
from fieldsurvey.position.stream import Arrival, LinkError, moment

CONNECT_S = 5.0
READ_BYTES = 4096
WAITING_DATAGRAMS = 1000  # beyond that they are history, not position


class TcpLink:
    """A stream from ``host:port``; says ``greeting`` first."""

    def __init__(self, host: str, port: int, clock: Clock, greeting: bytes = b"") -> None:
        self._host = host
        self._port = port
        self._clock = clock
        self._greeting = greeting
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """See ``Link``."""
        try:
            async with asyncio.timeout(CONNECT_S):
                self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        except OSError as error:  # TimeoutError is one
            raise self._lost() from error
        self._writer.write(self._greeting)

    async def read(self) -> Arrival:
        """See ``Link``."""
        assert self._reader is not None, "read before open"
        try:
            data = await self._reader.read(READ_BYTES)
        except OSError as error:
            raise self._lost() from error
        if not data:
            raise self._lost()
        return Arrival(data, moment(self._clock))

    def close(self) -> None:
        """See ``Link``."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    def _lost(self) -> LinkError:
        return LinkError(message("position.no_connection", source=f"{self._host}:{self._port}"))


class UdpLink(asyncio.DatagramProtocol):
    """Datagrams sent to a port of ours, from whoever sends them."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        self._address = (host or "0.0.0.0", port)  # a phone in the car sends from anywhere
        self._clock = clock
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: asyncio.Queue[Arrival] = asyncio.Queue(WAITING_DATAGRAMS)

    async def open(self) -> None:
        """See ``Link``."""
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: self, local_addr=self._address
            )
        except OSError as error:
            text = message("position.udp_port_taken", port=self._address[1])
            raise LinkError(text) from error

    def datagram_received(self, data: bytes, _sender: object) -> None:
        """Called by asyncio for each datagram."""
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(Arrival(data, moment(self._clock)))

    def error_received(self, _error: Exception) -> None:
        """Called by asyncio; a datagram that could not be received will be missed, not more."""

    async def read(self) -> Arrival:
        """See ``Link``."""
        return await self._waiting.get()

    def close(self) -> None:
        """See ``Link``."""
        if self._transport is not None:
            self._transport.abort()
        self._transport = None
